import Postgres

/// Who holds up a session at the destination, and waits for nobody in turn.
struct Blocker {
    /// The server's number of its process; 0 for a prepared transaction.
    var process: String
    /// Its program, state and user, as far as this user may see them, and since when its transaction or session is open.
    var details: String
    /// When its session began: tells it from a later one with the same number.
    var began: String
    /// Whether it holds the link's lock.
    var isOfLink: Bool

    /// Those at the end of the chain of waits; empty where the process waits for nobody's lock.
    static func of(_ process: String, _ lock: LinkLock, _ connection: Connection) throws -> [Blocker] {
        let rows = try connection.query(
            """
            WITH RECURSIVE chain (pid) AS (
              SELECT b.pid FROM unnest(pg_blocking_pids($1::int)) AS b (pid)
              UNION
              SELECT b.pid FROM chain c CROSS JOIN LATERAL unnest(pg_blocking_pids(c.pid)) AS b (pid))
            SELECT c.pid, concat_ws(', ', nullif(a.application_name, ''), a.state, a.usename,
                     'since ' || date_trunc('second', coalesce(a.xact_start, a.backend_start))),
                   a.backend_start, coalesce(\(lock.isHeld), false)
              FROM chain c LEFT JOIN pg_stat_activity a ON a.pid = c.pid
             WHERE cardinality(pg_blocking_pids(c.pid)) = 0
             ORDER BY c.pid
            """, [process])
        return (0..<rows.count).map { row in
            Blocker(
                process: rows[row, 0] ?? "", details: rows[row, 1] ?? "", began: rows[row, 2] ?? "",
                isOfLink: rows[row, 3] == "t")
        }
    }

    /// The table whose lock, or whose row's lock, the process waits for; nil where the server doesn't show it.
    static func table(of process: String, _ connection: Connection) throws -> String? {
        let rows = try connection.query(
            """
            SELECT format('%I.%I', n.nspname, c.relname)
              FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE l.pid = $1::int AND (NOT l.granted OR l.locktype = 'tuple')
               AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
             LIMIT 1
            """, [process])
        return rows.count == 0 ? nil : rows[0, 0]
    }

    var phrase: String {
        process == "0" ? "a prepared transaction" : "process \(process)" + (details.isEmpty ? "" : " (\(details))")
    }

    /// What lets the statement go on.
    var remedy: String {
        process == "0"
            ? "COMMIT PREPARED or ROLLBACK PREPARED at the destination what pg_prepared_xacts shows there"
            : "let it end, or run SELECT pg_terminate_backend(\(process)) at the destination"
    }

    /// Ends the session where it is still the one that was seen, and holds the link's lock; whether it was.
    func end(_ lock: LinkLock, _ connection: Connection) throws -> Bool {
        do {
            let rows = try connection.query(
                """
                SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
                 WHERE a.pid = $1::int AND a.backend_start = $2::timestamptz AND \(lock.isHeld)
                """, [process, began])
            return rows.count == 1 && rows[0, 0] == "t"
        } catch let error as PostgresError where !error.isConnectionLost {
            return false
        }
    }
}

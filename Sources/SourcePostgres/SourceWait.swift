import Connectors
import Postgres

/// Waiting, as a run begins, for what others do at the source: says what for, and ends when the run is asked to stop.
struct SourceWait {
    /// After so many seconds it is said what is waited for, and again each time as many have passed.
    private static let patience = 30
    /// Seconds that a transaction may keep a table from being captured.
    private static let longestForWriters = 600

    let stop: StopSignal
    let say: (String) -> Void

    /// To be called about once a second; `what` is asked for words when it is time for some: soon, then now and then.
    func check(second: Int, _ what: () throws -> String?) throws {
        if stop.isRequested {
            throw RunError(.transient, operation: "wait", object: "the source", message: "asked to stop")
        }
        if second == 2 || second % SourceWait.patience == 0, let words = try what() { say(words) }
    }

    /// Waits until every transaction has ended that has written to a table which no destination has rows of yet, and which
    /// may have been published since: the stream does not show what they wrote before, and no snapshot sees it before they
    /// end. Partitions are written to by themselves; a prepared transaction has no process.
    func forWriters(of tables: [TableSource], _ connection: Connection) throws {
        guard !tables.isEmpty else { return }
        let oids = ArrayText.of(tables.map(\.oid))
        let first = try writers(of: oids, connection)
        guard !first.isEmpty else { return }
        for tenth in 0..<SourceWait.longestForWriters * 10 {
            let left = try writers(of: oids, connection).filter { first[$0.key] != nil }
            if left.isEmpty { return }
            if tenth % 10 == 0 || stop.isRequested {
                try check(second: tenth / 10) {
                    "waits for the end of what wrote to tables before they were captured: "
                        + left.values.sorted().joined(separator: "; ")
                }
            }
            _ = stop.wait(milliseconds: 100)
        }
        throw RunError(
            .needsOperator, operation: "publish", object: tables.map { "\($0.name)" }.joined(separator: ", "),
            message: "a transaction that wrote to the table before it was published has been open for ten minutes",
            hint: "end the transactions that pg_locks shows for the table, then start again")
    }

    /// By virtual transaction: the table and who writes to it.
    private func writers(of oids: String, _ connection: Connection) throws -> [String: String] {
        let rows = try connection.query(
            """
            SELECT l.virtualtransaction, min(format('%s: %s', l.relation::regclass,
                     CASE WHEN l.pid IS NULL THEN 'a prepared transaction'
                          ELSE format('process %s', l.pid) || COALESCE(format(' (%s)', a.usename), '') END))
              FROM unnest(\(literal: oids)::oid[]) AS t (oid)
              CROSS JOIN LATERAL (SELECT t.oid UNION SELECT p.relid FROM \(raw: PartitionTree.sql(of: "t.oid")) p) AS r (oid)
              JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = r.oid
                AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
              LEFT JOIN pg_stat_activity a ON a.pid = l.pid
             WHERE l.pid IS DISTINCT FROM pg_backend_pid() AND l.granted
               AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
             GROUP BY 1
            """)
        var writers: [String: String] = [:]
        for row in 0..<rows.count { writers[rows[row, 0] ?? ""] = rows[row, 1] ?? "" }
        return writers
    }

    /// Who keeps the server's process from going on, in words.
    func blockers(of process: Int, _ connection: Connection) throws -> String {
        let rows = try connection.query(
            """
            SELECT string_agg(DISTINCT CASE WHEN b.pid = 0 THEN 'a prepared transaction (see pg_prepared_xacts)'
                     ELSE format('process %s', b.pid) || COALESCE(format(' (%s, %s)', a.usename, a.state), '') END, '; ')
              FROM unnest(pg_blocking_pids(\(raw: String(process)))) AS b (pid)
              LEFT JOIN pg_stat_activity a ON a.pid = b.pid
            """)
        return rows[0, 0] ?? "a transaction that began before"
    }
}

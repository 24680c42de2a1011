import Connectors
import Postgres

/// Opens transactions on a standby whose snapshot is known exactly.
///
/// On a standby `pg_current_snapshot()` has no list of what is in progress: it says that everything before `xmin` is over and
/// nothing from `xmax` on, and of what lies between, a standby alone can't say which it sees. `pg_xact_status` can: it reads the
/// same list of running transactions that the snapshot was made from, and a transaction only ever goes off that list. So the
/// question is asked before the snapshot is taken and again after it, in one message. What was running after it was running as
/// it was taken; what was over before it was over then. Where nothing between the two ended in between, every transaction is
/// one or the other, and the snapshot is exact; else it is thrown away and another is taken.
struct StandbySnapshot {
    private let connection: Connection
    /// Of all transactions before `known`, these may still be running.
    private var running: [String] = []
    private var known: String?

    init(connection: Connection) {
        self.connection = connection
    }

    /// Begins a REPEATABLE READ transaction that has locked the table against DDL. Nil, with the transaction to be rolled back,
    /// where a transaction ended in the moment that it took.
    mutating func begin(locking table: QualifiedName) throws -> Snapshot? {
        let from: SQL = known.map { "'\(raw: $0)'::int8" } ?? "pg_snapshot_xmin(pg_current_snapshot())::text::int8"
        let rows = try connection.query(
            """
            BEGIN;
            SELECT set_config('flowctl.known', pg_snapshot_xmax(pg_current_snapshot())::text, false),
                   set_config('flowctl.running', coalesce(string_agg(x::text, ','), ''), false)
              FROM (SELECT unnest('{\(raw: running.joined(separator: ","))}'::int8[])
                    UNION ALL
                    SELECT generate_series(\(from), pg_snapshot_xmax(pg_current_snapshot())::text::int8 - 1)) AS c (x)
             WHERE pg_xact_status(x::text::xid8) = 'in progress';
            COMMIT;
            BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
            LOCK TABLE ONLY \(table) IN ACCESS SHARE MODE;
            WITH asked AS MATERIALIZED (
              SELECT x, pg_xact_status(x::text::xid8) IS NOT DISTINCT FROM 'in progress' AS runs
                FROM (SELECT unnest(string_to_array(nullif(current_setting('flowctl.running'), ''), ',')::int8[])
                      UNION ALL
                      SELECT generate_series(current_setting('flowctl.known')::int8,
                                             pg_snapshot_xmax(pg_current_snapshot())::text::int8 - 1)) AS c (x))
            SELECT pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmax(pg_current_snapshot()),
                   coalesce(string_agg(x::text, ',' ORDER BY x) FILTER (WHERE runs), ''),
                   count(*) FILTER (WHERE NOT runs AND x >= pg_snapshot_xmin(pg_current_snapshot())::text::int8)
              FROM asked
            """)
        guard let first = rows[0, 0], let end = rows[0, 1], let list = rows[0, 2] else { return nil }
        known = end
        running = list.split(separator: ",").map(String.init)
        guard rows[0, 3] == "0" else { return nil }
        return Snapshot("\(first):\(end):\(list)")
    }
}

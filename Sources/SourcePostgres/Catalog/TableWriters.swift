import Connectors
import Postgres

/// Who is writing to tables now.
enum TableWriters {
    /// The transactions that hold a writer's lock on one of the tables or its partitions, by the 32 bits of their ids that the
    /// log carries. A lock is let go of only after the transaction's end is visible to new snapshots.
    static func running(on tables: [TableSource], _ connect: () throws -> Connection) throws -> [UInt32] {
        guard !tables.isEmpty else { return [] }
        let connection = try connect()
        defer { connection.close() }
        return try running(on: tables, connection)
    }

    /// The same on a connection that is there.
    static func running(on tables: [TableSource], _ connection: Connection) throws -> [UInt32] {
        let oids = ArrayText.of(tables.map(\.oid))
        let rows = try connection.query(
            """
            WITH named AS (SELECT unnest(\(literal: oids)::oid[]) AS oid),
                 tables AS (SELECT oid FROM named
                            UNION SELECT p.relid FROM named, \(raw: PartitionTree.sql(of: "named.oid")) p)
            SELECT DISTINCT t.transactionid
              FROM pg_locks l JOIN tables ON l.relation = tables.oid
              JOIN pg_locks t ON t.virtualtransaction = l.virtualtransaction
             WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.granted
               AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
               AND t.locktype = 'transactionid' AND t.mode = 'ExclusiveLock' AND t.granted
            """)
        return (0..<rows.count).compactMap { rows[$0, 0].flatMap { UInt32($0) } }
    }
}

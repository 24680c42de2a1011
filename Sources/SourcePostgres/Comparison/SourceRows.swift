import Connectors
import Postgres

/// The source's rows of a table that is compared.
// @unchecked: the connection is used by one thread at a time, as `ComparedRows` says.
final class SourceRows: ComparedSourceRows, @unchecked Sendable {
    private let rows: HashedRows
    private let oid: UInt32
    private let isStandby: Bool
    private let capture: String
    private let title: String

    init(rows: HashedRows, oid: UInt32, isStandby: Bool, capture: String, title: String) {
        self.rows = rows
        self.oid = oid
        self.isStandby = isStandby
        self.capture = capture
        self.title = title
    }

    func digest(of slice: TableSlice) throws -> SliceDigest {
        try rethrowing {
            let digest = try rows.digest(where: rows.table.condition(slice))
            return SliceDigest(rows: digest.rows, sum: digest.sum)
        }
    }

    func rows(of slice: TableSlice) throws -> [RowDigest] {
        try rethrowing {
            try rows.list(where: rows.table.condition(slice)).map { RowDigest(key: RowKey($0.key), hash: $0.hash) }
        }
    }

    func bound(above key: RowKey?, rows count: Int) throws -> RowKey? {
        try rethrowing { try rows.bound(above: key?.values, rows: count).map(RowKey.init) }
    }

    func look(at keys: [RowKey]) throws -> Sighting {
        try rethrowing { try look(keys.map(\.values)) }
    }

    func columns(of keys: [RowKey]) throws -> [[Int64]?] {
        try rethrowing { try rows.columnHashes(of: keys.map(\.values)) }
    }

    func close() {
        rows.connection.close()
    }

    private func look(_ keys: [[String]]) throws -> Sighting {
        var position = LogPosition.zero
        let committing = try committing()
        do {
            let found = try rows.look(at: keys) {
            } after: {
                position = try SourcePosition(connection: rows.connection, isStandby: isStandby).behindAllSeen()
            }
            return Sighting(
                position: position, rows: found.map { $0.map { RowSight(version: $0.version, hash: $0.hash) } },
                committing: committing)
        } catch let error as PostgresError where error.sqlState?.hasPrefix("22") == true {
            return try lookApart(keys)
        }
    }

    /// A destination whose key is of a wider type can have keys that are none of the source's type: the source has no such
    /// row. Which ones, the server doesn't say.
    private func lookApart(_ keys: [[String]]) throws -> Sighting {
        guard keys.count > 1 else {
            let committing = try committing()
            let position = try SourcePosition(connection: rows.connection, isStandby: isStandby).behindAllSeen()
            return Sighting(position: position, rows: [nil], committing: committing)
        }
        let first = try look(Array(keys[..<(keys.count / 2)]))
        let second = try look(Array(keys[(keys.count / 2)...]))
        // Behind what both halves showed: a later place than need be asks for more, never for less.
        return Sighting(
            position: max(first.position, second.position), rows: first.rows + second.rows,
            committing: first.committing.union(second.committing))
    }

    /// The transactions that hold a writer's lock on the table or one of its partitions: they keep it until snapshots show what
    /// they committed. Those whose session waits for its client have not begun to commit. A standby shows its slots no commit
    /// that its snapshots don't show. Asked outside of the transaction that reads the rows, so that its snapshot is a later one.
    private func committing() throws -> Set<String> {
        guard !isStandby else { return [] }
        let table: SQL = "\(literal: String(oid))::oid"
        let found = try rows.connection.query(
            """
            SELECT DISTINCT l.virtualtransaction
              FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
             WHERE l.locktype = 'relation' AND l.granted
               AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
               AND l.relation IN (SELECT \(table) UNION SELECT relid FROM pg_catalog.pg_partition_tree(\(table)::regclass))
               AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
               AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
               AND a.state IS DISTINCT FROM 'idle in transaction'
            """)
        return Set((0..<found.count).compactMap { found[$0, 0] })
    }

    private func rethrowing<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as PostgresError {
            throw error.asRunError(operation: "compare", object: title, task: capture)
        }
    }
}

extension HashedTable {
    /// The rows of a slice.
    func condition(_ slice: TableSlice) -> String {
        switch slice {
        case .keys(let lower, let upper): range(above: lower?.values, upTo: upper?.values)
        case .share(let part, let count): share(part, of: count)
        }
    }
}

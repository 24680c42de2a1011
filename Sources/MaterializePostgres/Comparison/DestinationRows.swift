import Connectors
import Postgres

/// The destination's rows of a table that is compared.
// @unchecked: the connection is used by one thread at a time, as `ComparedRows` says.
final class DestinationRows: ComparedDestinationRows, @unchecked Sendable {
    private let rows: HashedRows
    private let link: LinkSpec
    private let metadata: MetadataSchema
    private let scope: ErrorScope

    init(rows: HashedRows, link: LinkSpec, metadata: MetadataSchema, scope: ErrorScope) {
        self.rows = rows
        self.link = link
        self.metadata = metadata
        self.scope = scope
    }

    func digest(of slice: TableSlice) throws -> SliceDigest {
        try scope.rethrowing {
            let digest = try rows.digest(where: condition(slice))
            return SliceDigest(rows: digest.rows, sum: digest.sum)
        }
    }

    func rows(of slice: TableSlice) throws -> [RowDigest] {
        try scope.rethrowing {
            try rows.list(where: condition(slice)).map { RowDigest(key: RowKey($0.key), hash: $0.hash) }
        }
    }

    func ascends(from first: RowKey, to second: RowKey) throws -> Bool {
        try scope.rethrowing { try rows.ascends(from: first.values, to: second.values) }
    }

    /// The link's position is read first, in the snapshot that the rows are read in.
    func look(at keys: [RowKey]) throws -> Sighting {
        try scope.rethrowing {
            var position = LogPosition.zero
            let found = try rows.look(at: keys.map(\.values)) {
                let known = try rows.connection.query(
                    "SELECT position FROM \(metadata.checkpoints) WHERE materialization = $1 AND capture = $2",
                    [link.materialization, link.capture])
                position = known[0, 0].flatMap { LogPosition($0) } ?? .zero
            }
            return Sighting(
                position: position, rows: found.map { $0.map { RowSight(version: $0.version, hash: $0.hash) } })
        }
    }

    func columns(of keys: [RowKey]) throws -> [[Int64]?] {
        try scope.rethrowing { try rows.columnHashes(of: keys.map(\.values)) }
    }

    func close() {
        rows.connection.close()
    }

    private func condition(_ slice: TableSlice) -> String {
        switch slice {
        case .keys(let lower, let upper): rows.table.range(above: lower?.values, upTo: upper?.values)
        case .share(let part, let count): rows.table.share(part, of: count)
        }
    }
}

import Postgres

/// What two tables at two servers do not have in common: the keys of rows, as text, in order.
public struct TableDifference: Equatable, CustomStringConvertible, Sendable {
    /// Rows of the source that the destination lacks.
    public var missing: [String] = []
    /// Rows of the destination that the source lacks.
    public var extra: [String] = []
    /// Rows that both have, with other values, or another number of times.
    public var different: [String] = []
    /// The source's rows.
    public var rows = 0

    public var isEmpty: Bool { missing.isEmpty && extra.isEmpty && different.isEmpty }

    public var description: String {
        let parts = [("missing", missing), ("extra", extra), ("different", different)]
        return parts.filter { !$0.1.isEmpty }.map { name, keys in
            "\(keys.count) \(name): \(keys.prefix(5).joined(separator: ", "))"
        }.joined(separator: "; ")
    }
}

/// One table of a database.
public struct TableAt: Sendable {
    public var database: ConnectionParameters
    public var table: QualifiedName

    public init(_ database: ConnectionParameters, _ schema: String, _ name: String) {
        self.database = database
        table = QualifiedName(schema, name)
    }
}

/// Compares two tables by the text of the named columns of all rows, told apart by the text of the key's columns.
public func tableDifference(
    _ source: TableAt, _ destination: TableAt, columns: [String], key: [String]
) throws -> TableDifference {
    let here = try hashes(source, columns, key)
    let there = try hashes(destination, columns, key)
    var difference = TableDifference()
    difference.rows = here.values.reduce(0) { $0 + $1.count }
    difference.missing = here.keys.filter { there[$0] == nil }.sorted()
    difference.extra = there.keys.filter { here[$0] == nil }.sorted()
    difference.different = here.keys.filter { there[$0] != nil && there[$0] != here[$0] }.sorted()
    return difference
}

/// By key, a hash of each row, in order.
private func hashes(_ at: TableAt, _ columns: [String], _ key: [String]) throws -> [String: [String]] {
    let list = { (names: [String]) in names.map { Identifier($0).quoted }.joined(separator: ", ") }
    let rows = try Connection(at.database).query(
        """
        SELECT ROW(\(raw: list(key)))::text, md5(ROW(\(raw: list(columns)))::text) FROM \(at.table) ORDER BY 1, 2
        """)
    var found: [String: [String]] = [:]
    for row in 0..<rows.count { found[rows[row, 0] ?? "", default: []].append(rows[row, 1] ?? "") }
    return found
}

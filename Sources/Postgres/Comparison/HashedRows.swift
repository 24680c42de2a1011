/// Reads a `HashedTable` on one connection.
public struct HashedRows: Sendable {
    public let table: HashedTable
    public let connection: Connection

    public init(table: HashedTable, connection: Connection) {
        self.table = table
        self.connection = connection
    }

    /// A row of a key.
    public struct Found: Sendable {
        public var version: String
        public var hash: Int64
    }

    /// Prepares the session: ranges of keys are read by their index, whatever the statistics say, and nobody's lock is waited
    /// for long.
    public static func prepare(_ connection: Connection, isOrdered: Bool) throws {
        try connection.execute("SET default_transaction_read_only = on; SET lock_timeout = '20s'; SET jit = off")
        if isOrdered { try connection.execute("SET enable_seqscan = off") }
    }

    /// Rows, and the sum of their hashes.
    public func digest(where condition: String) throws -> (rows: Int64, sum: String) {
        let rows = try connection.query(table.digest(where: condition))
        return (number(rows, 0, 0), rows[0, 1] ?? "")
    }

    /// Each row's key and hash.
    public func list(where condition: String) throws -> [(key: [String], hash: Int64)] {
        let rows = try connection.query(table.list(where: condition))
        return (0..<rows.count).map { row in (key(rows, row, from: 0), number(rows, row, table.key.count)) }
    }

    /// The key that is so many rows above another; nil where fewer are left.
    public func bound(above lower: [String]?, rows count: Int) throws -> [String]? {
        let rows = try connection.query(table.bound(above: lower, rows: count))
        return rows.count == 1 ? key(rows, 0, from: 0) : nil
    }

    /// Parallel to the keys: the row whose key has that very text; nil without one. Within one transaction; `before` and
    /// `after` the rows are read others may be asked in it.
    public func look(
        at keys: [[String]], before: () throws -> Void = {}, after: () throws -> Void = {}
    ) throws -> [Found?] {
        try inTransaction {
            try before()
            let found = try matching(keys, table.look(at: keys)) { rows, row, first in
                Found(version: rows[row, first] ?? "", hash: number(rows, row, first + 1))
            }
            try after()
            return found
        }
    }

    /// Parallel to the keys: a hash of each column; nil where there is no such row.
    public func columnHashes(of keys: [[String]]) throws -> [[Int64]?] {
        try inTransaction {
            try matching(keys, table.columnHashes(of: keys)) { rows, row, first in
                table.columns.indices.map { number(rows, row, first + $0) }
            }
        }
    }

    /// Whether the second key is above the first, as the server compares them.
    public func ascends(from first: [String], to second: [String]) throws -> Bool {
        try connection.query(table.ascends(from: first, to: second))[0, 0] == "t"
    }

    private func inTransaction<Result>(_ body: () throws -> Result) throws -> Result {
        // Each key is looked up by the table's index: the list is short, the table may be long.
        try connection.execute(
            """
            BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
            SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off
            """)
        do {
            let result = try body()
            try connection.execute("COMMIT")
            return result
        } catch {
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    /// Rows whose key is equal to the wanted one and has other text are none of it.
    private func matching<Element>(
        _ keys: [[String]], _ sql: SQL, _ element: (Rows, Int, Int) -> Element
    ) throws -> [Element?] {
        let rows = try connection.query(sql)
        var found = [Element?](repeating: nil, count: keys.count)
        for row in 0..<rows.count {
            let place = Int(number(rows, row, 0)) - 1
            guard keys.indices.contains(place) else { continue }
            let isSame = zip(key(rows, row, from: 1), keys[place]).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
            if isSame { found[place] = element(rows, row, 1 + table.key.count) }
        }
        return found
    }

    private func key(_ rows: Rows, _ row: Int, from first: Int) -> [String] {
        table.key.indices.map { rows[row, first + $0] ?? "" }
    }

    private func number(_ rows: Rows, _ row: Int, _ column: Int) -> Int64 {
        rows[row, column].flatMap { Int64($0) } ?? 0
    }
}

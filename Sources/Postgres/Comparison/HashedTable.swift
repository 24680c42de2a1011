/// The SQL that hashes a table's rows by the text of their columns, for two servers to come to the same.
///
/// A row's text is that of `ROW(…)`, which writes every value by its type's own output and tells null from empty; the sessions
/// pin the settings that shape it. The hash is `hashtextextended` (11 and later) under collation C: of the bytes.
public struct HashedTable: Sendable {
    /// What a SELECT reads from, without an alias; it is given the alias `t`.
    public var rows: SQL
    /// By column: SQL over `t` whose text is compared.
    public var columns: [String]
    /// By key column: its place in `columns`, the column itself, and its type for constants.
    public var key: [Key]
    /// SQL over `t` that rows must satisfy; nil for all.
    public var filter: String?
    /// Whether texts are brought into UTF-8 first, because the other server has another encoding.
    public var convertsText: Bool

    /// A column of the key.
    public struct Key: Sendable {
        public var place: Int
        public var column: String
        public var type: String
        /// Quoted and qualified, where two constants that are compared must name it.
        public var collation: String?
        public var operators: KeyOperators

        public init(
            place: Int, column: String, type: String, collation: String? = nil, operators: KeyOperators = .builtIn
        ) {
            self.place = place
            self.column = column
            self.type = type
            self.collation = collation
            self.operators = operators
        }

        func constant(_ text: String, collated: Bool = false) -> String {
            let collation = collated ? self.collation.map { " COLLATE \($0)" } ?? "" : ""
            return "\(SQL.literal(text))::\(type)\(collation)"
        }
    }

    public init(rows: SQL, columns: [String], key: [Key], filter: String?, convertsText: Bool) {
        self.rows = rows
        self.columns = columns
        self.key = key
        self.filter = filter
        self.convertsText = convertsText
    }

    /// A range of keys, as SQL.
    public func range(above lower: [String]?, upTo upper: [String]?) -> String {
        func place(_ bound: [String]) -> KeyPlace {
            KeyPlace(zip(key, bound).map { .init($0.column, $0.constant($1), $0.operators) })
        }
        let terms = (lower.map { [place($0).isAbove] } ?? []) + (upper.map { [place($0).isAtMost] } ?? [])
        return terms.isEmpty ? "true" : terms.joined(separator: " AND ")
    }

    /// A share of the keys by their hash, as SQL; `count` is a power of two.
    public func share(_ part: Int, of count: Int) -> String {
        count == 1 ? "true" : "(\(hash(keyTexts)) & \(count - 1)) = \(part)"
    }

    /// Rows, and the sum of their hashes.
    public func digest(where condition: String) -> SQL {
        """
        SELECT count(*), coalesce(sum(\(raw: hash(columns))), 0) FROM \(rows) AS t WHERE \(raw: filtered(condition))
        """
    }

    /// The key's columns, then the hash of each row.
    public func list(where condition: String) -> SQL {
        """
        SELECT \(raw: shownKey), \(raw: hash(columns)) FROM \(rows) AS t WHERE \(raw: filtered(condition))
        """
    }

    /// The key that is so many rows above another.
    public func bound(above lower: [String]?, rows count: Int) -> SQL {
        """
        SELECT \(raw: shownKey) FROM \(rows) AS t WHERE \(raw: filtered(range(above: lower, upTo: nil)))
         ORDER BY \(raw: key.map(\.column).joined(separator: ", ")) OFFSET \(count - 1) LIMIT 1
        """
    }

    /// By key that there is a row of: its number in the list from 1, the key's columns, the row's version and hash.
    public func look(at keys: [[String]]) -> SQL {
        found(keys, "t.xmin, \(hash(columns))")
    }

    /// The same with a hash of each column in place of the version and the row's.
    public func columnHashes(of keys: [[String]]) -> SQL {
        found(keys, columns.map { hash([$0]) }.joined(separator: ", "))
    }

    /// Whether the second key is above the first.
    public func ascends(from first: [String], to second: [String]) -> SQL {
        let values = zip(key, zip(first, second))
        let place = KeyPlace(
            values.map {
                .init($0.constant($1.0, collated: true), $0.constant($1.1, collated: true), $0.operators)
            })
        return "SELECT \(raw: place.isBelow)"
    }

    private func found(_ keys: [[String]], _ shown: String) -> SQL {
        let matches = key.enumerated().map { "\($1.column) \($1.operators.equal) u.\(KeyList.name($0))" }
        let list = KeyList(types: key.map(\.type))
        return """
            SELECT u.n, \(raw: shownKey), \(raw: shown)
              FROM \(raw: list.sql(keys, as: "u"))
              JOIN \(rows) AS t ON \(raw: filtered(matches.joined(separator: " AND ")))
            """
    }

    private var keyTexts: [String] { key.map { columns[$0.place] } }

    private var shownKey: String { keyTexts.map { "concat(\($0))" }.joined(separator: ", ") }

    private func filtered(_ condition: String) -> String { filter.map { "\(condition) AND \($0)" } ?? condition }

    private func hash(_ values: [String]) -> String {
        let text = "ROW(\(values.joined(separator: ", ")))::text"
        return convertsText
            ? "hashtextextended(md5(convert_to(\(text), 'UTF8')) COLLATE \"C\", 0)"
            : "hashtextextended(\(text) COLLATE \"C\", 0)"
    }
}

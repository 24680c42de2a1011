/// How the values of a key's column are compared: the operators of the type's default B-tree operator class, each as SQL
/// writes it between two values.
///
/// Sessions have an empty search path, where an extension's operators are known by their schema alone; and a bare `<=` of
/// such a type may find another type's (citext's finds text's) with an order that the index does not have.
public struct KeyOperators: Sendable, Equatable {
    public var less = "<"
    public var atMost = "<="
    public var equal = "="
    public var atLeast = ">="
    public var greater = ">"

    /// Those of the server's own types.
    public static let builtIn = KeyOperators()

    public init() {}

    /// From what `sql(ofType:)` reads; those of the server's own types for nil.
    public init(_ text: String?) {
        let names = text.map { $0.split(separator: "\u{1F}").map(String.init) } ?? []
        guard names.count == 5 else { return }
        (less, atMost, equal, atLeast, greater) = (names[0], names[1], names[2], names[3], names[4])
    }

    /// An SQL expression that reads them by a type's OID, which is SQL too; null where they are the server's own.
    public static func sql(ofType oid: String) -> String {
        """
        (SELECT string_agg('OPERATOR(' || quote_ident(opn.nspname) || '.' || o.oprname || ')', chr(31)
                           ORDER BY ao.amopstrategy)
           FROM pg_opclass oc
           JOIN pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
           JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype
                          AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy BETWEEN 1 AND 5
           JOIN pg_operator o ON o.oid = ao.amopopr
           JOIN pg_namespace opn ON opn.oid = o.oprnamespace
          WHERE oc.opcdefault AND oc.opcintype = (
                WITH RECURSIVE base AS (
                  SELECT f.oid, f.typtype, f.typbasetype FROM pg_type f WHERE f.oid = \(oid)
                  UNION ALL SELECT p.oid, p.typtype, p.typbasetype
                    FROM base JOIN pg_type p ON p.oid = base.typbasetype WHERE base.typtype = 'd')
                SELECT base.oid FROM base WHERE base.typtype <> 'd')
         HAVING bool_or(opn.nspname <> 'pg_catalog'))
        """
    }

    /// The operators of several types, in their order.
    public static func read(of types: [UInt32], on connection: Connection) throws -> [KeyOperators] {
        let rows = try connection.query(
            """
            SELECT \(raw: sql(ofType: "u.oid")) FROM unnest(\(literal: ArrayText.of(types))::oid[])
                   WITH ORDINALITY AS u (oid, place) ORDER BY u.place
            """)
        return (0..<rows.count).map { KeyOperators(rows[$0, 0]) }
    }
}

/// A key's columns beside a key's values, for conditions on where a row is in the key's order.
public struct KeyPlace: Sendable {
    /// A column and the value beside it, both as SQL.
    public struct Column: Sendable {
        public var column: String
        public var value: String
        public var operators: KeyOperators

        public init(_ column: String, _ value: String, _ operators: KeyOperators) {
            self.column = column
            self.value = value
            self.operators = operators
        }
    }

    private let columns: [Column]

    public init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Rows behind the key.
    public var isAbove: String { compare(">", first: \.atLeast, \.greater, last: \.greater) }
    /// Rows before the key, and its own.
    public var isAtMost: String { compare("<=", first: \.atMost, \.less, last: \.atMost) }
    /// Rows before the key.
    public var isBelow: String { compare("<", first: \.atMost, \.less, last: \.less) }

    /// `(a, b) > (1::integer, 'x'::text)` where all types are the server's own: an index serves a row comparison best, but it looks
    /// its operators up by one name. Else `a >= x AND (a > x OR b > y)`, whose beginning an index serves too.
    private func compare(
        _ sign: String, first loose: KeyPath<KeyOperators, String>, _ strict: KeyPath<KeyOperators, String>,
        last: KeyPath<KeyOperators, String>
    ) -> String {
        guard columns.contains(where: { $0.operators != .builtIn }) else {
            return "(\(columns.map(\.column).joined(separator: ", "))) \(sign) "
                + "(\(columns.map(\.value).joined(separator: ", ")))"
        }
        var condition: String?
        for column in columns.reversed() {
            func term(_ name: KeyPath<KeyOperators, String>) -> String {
                "\(column.column) \(column.operators[keyPath: name]) \(column.value)"
            }
            condition = condition.map { "(\(term(loose)) AND (\(term(strict)) OR \($0)))" } ?? term(last)
        }
        return condition ?? "true"
    }
}

/// Keys as a list that a FROM can read: a number from 1, then the key's columns in their own types.
///
/// Each value is a literal of its type, which that type's input reads. A cast from text is another thing for some: of `regclass`
/// it knows names only, and not the `-` of no relation.
public struct KeyList: Sendable {
    /// By column, as DDL names them.
    public var types: [String]

    public init(types: [String]) {
        self.types = types
    }

    /// What the columns of the list are called, without the number `n`.
    public static func name(_ column: Int) -> String { "k\(column)" }

    /// The list as a FROM item with an alias. Nil values are nulls.
    public func sql(_ keys: [[String?]], as alias: String) -> String {
        let rows = keys.enumerated().map { number, key in
            "(" + (["\(number + 1)"] + zip(types, key).map(constant)).joined(separator: ", ") + ")"
        }
        let none = "SELECT " + (["0"] + types.map { constant($0, nil) }).joined(separator: ", ") + " WHERE false"
        let list = rows.isEmpty ? none : "VALUES " + rows.joined(separator: ", ")
        let names = ["n"] + types.indices.map(KeyList.name)
        return "(\(list)) AS \(alias) (\(names.joined(separator: ", ")))"
    }

    private func constant(_ type: String, _ value: String?) -> String {
        (value.map(SQL.literal) ?? "NULL") + "::" + type
    }
}

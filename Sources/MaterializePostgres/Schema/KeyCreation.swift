import Postgres

/// Makes the primary key of a table that may hold rows.
struct KeyCreation {
    let connection: Connection
    let definition: TableDefinition
    /// Of a plan: the table that is there goes first, and the names of its indexes with it.
    var isAfterDrop = false

    /// The statements, with a name for the key that is free.
    func statements(isPartitioned: Bool) throws -> [String] {
        definition.addKey(isPartitioned: isPartitioned, constraint: try freeName())
    }

    private func freeName() throws -> String {
        let binding = definition.binding
        var number = 0
        while true {
            let name = KeyCreation.name(binding.name, number)
            let rows = try connection.query(
                """
                SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = $2
                   AND NOT ($3::bool AND EXISTS (
                         SELECT FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
                          WHERE i.indexrelid = c.oid AND t.relname = $4 AND t.relnamespace = n.oid))
                """, [binding.schema, name, isAfterDrop ? "t" : "f", binding.name])
            if rows.count == 0 { return name }
            number += 1
        }
    }

    /// `table_pkey` within the 63 bytes of a name, with a number from the second try on.
    static func name(_ table: String, _ number: Int) -> String {
        let suffix = "_pkey" + (number == 0 ? "" : String(number))
        var stem = table
        while stem.utf8.count + suffix.utf8.count > 63 { stem.unicodeScalars.removeLast() }
        return stem + suffix
    }
}

import Postgres

/// Makes the primary key of a table that may hold rows, or what finds the rows of one without a key.
struct KeyCreation {
    let connection: Connection
    let definition: TableDefinition
    /// Of a plan: the table that is there goes first, and the names of its indexes with it.
    var isAfterDrop = false

    /// The statements, with a name for the key that is free.
    func statements(for table: DestinationTable) throws -> [String] {
        definition.addKey(
            isPartitioned: table.isPartitioned, constraint: try freeName(), contentIndex: contentIndex(of: table))
    }

    /// The index for a keyless table; nil for others, and where the server or the columns' types have no hash. A table that
    /// is only planned has no columns yet.
    func contentIndex(of table: DestinationTable) -> ContentIndex? {
        guard definition.binding.isKeylessMirror, connection.serverVersion >= ContentIndex.oldestVersion else {
            return nil
        }
        let columns = definition.columns.filter { !$0.isDeclared || table.column($0.name) != nil }
        return ContentIndex(of: columns.map { ($0.name, table.column($0.name)?.typeOID ?? $0.typeOID) })
    }

    private func freeName() throws -> String {
        let binding = definition.binding
        var number = 0
        while true {
            let name = KeyCreation.name(binding.name, number, isKey: !binding.isKeylessMirror)
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

    /// `table_pkey` within the 63 bytes of a name, with a number from the second try on; `table_content` for what is no key.
    static func name(_ table: String, _ number: Int, isKey: Bool = true) -> String {
        let suffix = (isKey ? "_pkey" : "_content") + (number == 0 ? "" : String(number))
        var stem = table
        while stem.utf8.count + suffix.utf8.count > 63 { stem.unicodeScalars.removeLast() }
        return stem + suffix
    }
}

import Connectors
import JSON
import Postgres

/// What signals may name: the captured tables, and the orders that they can be read in.
struct SignalTables: Sendable {
    /// All captured tables, `schema.table`.
    let names: [String]

    /// Why a pattern can't be matched.
    struct Unreadable: Error {
        var text: String
    }

    static func name(of table: TableSource) -> String { "\(table.name.schema.name).\(table.name.name.name)" }

    /// The captured tables that a pattern names or, as a regular expression of the server's, matches as a whole.
    func matches(of pattern: String, ignoringCase: Bool, _ connection: Connection) throws -> Result<
        [String], Unreadable
    > {
        do {
            let rows = try connection.query(
                """
                SELECT t FROM unnest($1::text[]) WITH ORDINALITY AS u (t, n)
                 WHERE t = $2 OR t \(raw: ignoringCase ? "~*" : "~") ('^(?:' || $2 || ')$') ORDER BY n
                """, [ArrayText.of(names), pattern])
            return .success((0..<rows.count).compactMap { rows[$0, 0] })
        } catch let error as PostgresError where error.sqlState == "2201B" {
            // Brackets that don't match in a name are no fault of the name.
            if names.containsName(pattern) { return .success([pattern]) }
            return .failure(Unreadable(text: "\(pattern) is no regular expression that the server understands"))
        }
    }

    /// The order to read a table in: a surrogate key's where there is one, else one in which no two rows can exchange the
    /// binding's key. Throws where there is none.
    func order(
        of backfill: TableBackfill, by surrogate: String?, _ shape: TableShape, _ connection: Connection
    ) throws -> KeyOrder {
        let source = backfill.table
        if backfill.binding.isKeylessMirror {
            guard surrogate == nil else {
                throw RunError(
                    .needsOperator, operation: "read by surrogate key", object: "table \(source.name)",
                    message: "its collection has no key: it is compared as a whole", hint: "leave `surrogate-key` out")
            }
            return KeyOrder(columns: [])
        }
        let catalog = TableCatalog(connection: connection)
        let own = try catalog.order(of: source, shape: shape)
        let key = backfill.binding.key.nameSet
        let unique = try UniqueKeys(connection: connection).columns(of: source).filter { names in
            names.allSatisfy { name in
                shape.columns.contains {
                    $0.name.isSameName(as: name) && $0.isNotNull && (backfill.isLog || $0.isIdentity)
                }
            }
        }
        if let surrogate {
            guard unique.contains(where: { $0.areSameNames(as: [surrogate]) }) else {
                throw RunError(
                    .needsOperator, operation: "read by surrogate key \"\(surrogate)\"", object: "table \(source.name)",
                    message: "no unique index is on this column alone, or it is not NOT NULL"
                        + (backfill.isLog ? "" : ", or not in the replica identity"),
                    hint: "leave `surrogate-key` out: tables are read by an index of their key, or in one piece")
            }
            guard backfill.isLog || key.contains(JSONKey(surrogate)) else {
                throw RunError(
                    .needsOperator, operation: "read by surrogate key \"\(surrogate)\"", object: "table \(source.name)",
                    message:
                        "the collection's key lacks it: rows that exchange their keys while they are read would be lost",
                    hint: "leave `surrogate-key` out: the table is read by an index of its key")
            }
            return try catalog.order(of: source, by: [surrogate], shape: shape)
        }
        if backfill.isLog || key.isSuperset(of: own.names.nameSet) { return own }
        guard let names = unique.first(where: { key.isSuperset(of: $0.nameSet) }) else {
            throw RunError(
                .needsOperator, operation: "read by the key", object: "table \(source.name)",
                message: "no unique index of columns that are NOT NULL has the collection's key",
                hint: "give the collection the table's own key")
        }
        return try catalog.order(of: source, by: names, shape: shape)
    }

    /// Throws a `RunError` where the server does not take a condition. Reads no row.
    func tryOut(_ condition: String, on table: TableSource, _ connection: Connection) throws {
        do {
            _ = try connection.query("EXPLAIN SELECT FROM \(table.rows) WHERE (\n\(raw: condition)\n)", [])
        } catch let error as PostgresError where !error.isConnectionLost && error.kind != .transient {
            throw RunError(
                .needsOperator, operation: "take the condition for", object: "table \(table.name)",
                message: error.message, sqlState: error.sqlState)
        }
    }
}

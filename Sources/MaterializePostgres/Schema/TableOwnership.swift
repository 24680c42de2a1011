import Connectors
import Postgres

/// Tables of somebody else's: what only an owner may do to them.
///
/// Invariant: whoever is refused for it is told every statement that the owner has to run, and that they are all.
enum TableOwnership {
    /// Whether a table is there that the session's role doesn't own.
    static func isStranger(_ name: QualifiedName, _ connection: Connection) throws -> Bool {
        let rows = try connection.query(
            """
            SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2
            """, [name.schema.name, name.name.name])
        return rows.count > 0 && rows[0, 0] != "t"
    }

    /// Why the role can't make these changes; nil where it can.
    static func refusal(of changes: [PlannedChange], _ scope: ErrorScope) -> RunError? {
        refusal(of: changes.filter(\.isForOwner).map(\.sql), scope)
    }

    static func refusal(of statements: [String], _ scope: ErrorScope) -> RunError? {
        guard !statements.isEmpty else { return nil }
        return scope.error(
            .needsOperator, Prerequisite.isNotOwner,
            hint: Prerequisite.asOwner + statements.map { $0 + ";" }.joined(separator: " "), sqlState: "42501")
    }

    /// What runs statements that make and change objects: a refusal names the statement that an owner has to run.
    static func maker(_ connection: Connection) -> (String) throws -> Void {
        { sql in
            do {
                try connection.execute("\(raw: sql)")
            } catch var error as PostgresError
                where error.sqlState == "42501" && error.message.hasPrefix("must be owner")
            {
                error.hint = Prerequisite.asOwner + sql + ";"
                throw error
            }
        }
    }
}

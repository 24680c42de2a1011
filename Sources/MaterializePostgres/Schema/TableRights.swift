import Connectors
import Postgres

/// What the destination's user must be allowed on tables that are there, asked before anything is made.
struct TableRights {
    let connection: Connection
    let materialization: String

    /// What a binding's rows can't be written without. `TRUNCATE` is not among it: emptying row by row does too.
    static func needed(_ binding: LinkBinding) -> [String] {
        guard binding.mode == .upsert else { return ["SELECT", "INSERT"] }
        return ["SELECT", "INSERT", "UPDATE"] + (binding.deletes == .hard ? ["DELETE"] : [])
    }

    /// Throws where one of the tables lacks some of it: names the first table, and the grants for all of them.
    ///
    /// A privilege on some columns passes: whether they are the right ones shows when rows come.
    func require(_ bindings: [LinkBinding]) throws {
        let rows = try connection.query(
            """
            SELECT k.n, quote_ident(current_user), quote_ident(n.nspname), has_schema_privilege(n.oid, 'USAGE'),
                   has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'),
                   has_table_privilege(c.oid, 'INSERT') OR has_any_column_privilege(c.oid, 'INSERT'),
                   has_table_privilege(c.oid, 'UPDATE') OR has_any_column_privilege(c.oid, 'UPDATE'),
                   has_table_privilege(c.oid, 'DELETE')
              FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (namespace, name, n)
              JOIN pg_namespace n ON n.nspname = k.namespace
              JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = k.name AND c.relkind IN ('r', 'p')
             ORDER BY k.n
            """, [ArrayText.of(bindings.map(\.schema)), ArrayText.of(bindings.map(\.name))])
        var schemas: [String] = []
        var grants: [String] = []
        var first: (binding: LinkBinding, missing: [String])?
        for row in 0..<rows.count {
            guard let place = rows[row, 0].flatMap({ Int($0) }), let user = rows[row, 1], let schema = rows[row, 2]
            else {
                continue
            }
            let binding = bindings[place - 1]
            let granted = zip(["SELECT", "INSERT", "UPDATE", "DELETE"], 4...7).filter { rows[row, $1] == "t" }.map(\.0)
            let missing = Self.needed(binding).filter { !granted.contains($0) }
            if rows[row, 3] != "t" {
                let usage = "GRANT USAGE ON SCHEMA \(schema) TO \(user);"
                if !schemas.contains(usage) { schemas.append(usage) }
            }
            guard rows[row, 3] != "t" || !missing.isEmpty else { continue }
            first = first ?? (binding, missing)
            let name = QualifiedName(binding.schema, binding.name)
            if !missing.isEmpty { grants.append("GRANT \(missing.joined(separator: ", ")) ON \(name) TO \(user);") }
        }
        guard let first else { return }
        let lacking = first.missing.isEmpty ? "USAGE on its schema" : first.missing.joined(separator: ", ")
        throw ErrorScope("attach", first.binding, task: materialization).error(
            .needsOperator, "the destination's user lacks \(lacking) on it",
            hint: "as the tables' owner: " + (schemas + grants).joined(separator: " "), sqlState: "42501")
    }
}

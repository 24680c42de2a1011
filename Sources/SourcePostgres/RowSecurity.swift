import Connectors
import Postgres

/// Row security filters what a SELECT sees, and not what the log has: a copy of a guarded table would lack rows in silence.
///
/// Sessions run with `row_security = off`, where the server refuses such a SELECT. A role that can't be given BYPASSRLS (on
/// some platforms nobody can give it) may have a policy that shows it every row instead: `USING (true)`, and none that
/// restricts. That is looked at before each reading, since it can be changed.
enum RowSecurity {
    /// The tables whose policies apply to the user; throws where one hides rows.
    static func guarded(_ tables: [TableSource], _ connection: Connection) throws -> Set<UInt32> {
        let oids = ArrayText.of(tables.map(\.oid))
        let rows = try connection.query(
            """
            SELECT o.oid, quote_ident(current_user),
                   coalesce(bool_or(p.polpermissive AND pg_get_expr(p.polqual, p.polrelid) = 'true'), false)
                     AND NOT coalesce(bool_or(NOT p.polpermissive), false)
              FROM unnest(\(literal: oids)::oid[]) AS o (oid)
              LEFT JOIN pg_policy p ON p.polrelid = o.oid AND p.polcmd IN ('r', '*')
               AND EXISTS (SELECT FROM unnest(p.polroles) AS r (oid) WHERE r.oid = 0 OR pg_has_role(r.oid, 'USAGE'))
             WHERE row_security_active(o.oid) GROUP BY o.oid
            """)
        var guarded: Set<UInt32> = []
        for row in 0..<rows.count {
            guard let oid = rows[row, 0].flatMap({ UInt32($0) }) else { continue }
            guarded.insert(oid)
            guard rows[row, 2] != "t", let table = tables.first(where: { $0.oid == oid }) else { continue }
            let user = rows[row, 1] ?? ""
            throw RunError(
                .needsOperator, operation: "read", object: "table \(table.name)",
                message: "row-level security hides rows from the user \(user): a copy would lack them",
                hint: "ALTER ROLE \(user) BYPASSRLS; or where that can't be given: CREATE POLICY flow_capture_reads ON "
                    + "\(table.name) FOR SELECT TO \(user) USING (true);",
                sqlState: "42501", binding: table.binding)
        }
        return guarded
    }
}

import Connectors
import Postgres

/// Row security filters what a SELECT sees, and not what the log has: a copy of a guarded table would lack rows in silence.
///
/// Sessions run with `row_security = off`, where the server refuses such a SELECT. A role that can't be given BYPASSRLS (on
/// some platforms nobody can give it) may have a policy that shows it every row instead: `USING (true)`, and none that
/// restricts. That is looked at before each reading, since it can be changed.
enum RowSecurity {
    /// A table whose policies apply to the user.
    struct Guard {
        var oid: UInt32
        var user: Identifier
        /// A policy shows every row.
        var showsAll: Bool
        /// Policies that take rows away from what others show, quoted where they must be.
        var restrictive: [String]
        /// A policy of the name that the remedy gives is there already, and doesn't do.
        var isTried: Bool

        var hidesRows: Bool { !showsAll || !restrictive.isEmpty }

        /// Where policies restrict, no further one helps.
        func hint(_ table: QualifiedName) -> String {
            let bypass = "ALTER ROLE \(user) BYPASSRLS;"
            guard restrictive.isEmpty else {
                return
                    "\(bypass) or where that can't be given, have the policy \(restrictive.joined(separator: ", ")) name the "
                    + "roles that it is meant for: ALTER POLICY … ON \(table) TO …; (\(user) not among them)"
            }
            return "\(bypass) or where that can't be given: \(policy(table))"
        }

        /// Shows the user every row, where no policy restricts.
        func policy(_ table: QualifiedName) -> String {
            (isTried ? "DROP POLICY \(name) ON \(table); " : "")
                + "CREATE POLICY \(name) ON \(table) FOR SELECT TO \(user) USING (true);"
        }

        private var name: Identifier { RowSecurity.policy(of: user.name) }
    }

    /// The policy's name that shows a role every row; `setup` gives it too.
    static func policy(of role: String) -> Identifier { Identifier(String("flow_reads_\(role)".prefix(60))) }

    /// The tables whose policies apply to the user.
    static func guards(_ oids: [UInt32], _ connection: Connection) throws -> [Guard] {
        let rows = try connection.query(
            """
            SELECT o.oid, current_user, coalesce(bool_or(p.polpermissive AND q.shows), false),
                   coalesce(string_agg(quote_ident(p.polname), E'\\n' ORDER BY p.polname)
                     FILTER (WHERE NOT p.polpermissive AND NOT q.shows), ''),
                   EXISTS (SELECT FROM pg_policy t WHERE t.polrelid = o.oid AND t.polname = left('flow_reads_' || current_user, 60)::name)
              FROM unnest(\(literal: ArrayText.of(oids))::oid[]) AS o (oid)
              LEFT JOIN pg_policy p ON p.polrelid = o.oid AND p.polcmd IN ('r', '*')
               AND EXISTS (SELECT FROM unnest(p.polroles) AS r (oid) WHERE r.oid = 0 OR pg_has_role(r.oid, 'USAGE'))
              CROSS JOIN LATERAL (SELECT coalesce(pg_get_expr(p.polqual, p.polrelid) = 'true', false)) AS q (shows)
             WHERE row_security_active(o.oid) GROUP BY o.oid
            """)
        return (0..<rows.count).compactMap { row in
            rows[row, 0].flatMap { UInt32($0) }.map { oid in
                Guard(
                    oid: oid, user: Identifier(rows[row, 1] ?? ""), showsAll: rows[row, 2] == "t",
                    restrictive: (rows[row, 3] ?? "").split(separator: "\n").map(String.init),
                    isTried: rows[row, 4] == "t")
            }
        }
    }

    /// The tables whose policies apply to the user; throws where one hides rows.
    static func guarded(_ tables: [TableSource], _ connection: Connection) throws -> Set<UInt32> {
        let guards = try guards(tables.map(\.oid), connection)
        for found in guards where found.hidesRows {
            guard let table = tables.first(where: { $0.oid == found.oid }) else { continue }
            throw RunError(
                .needsOperator, operation: "read", object: "table \(table.name)",
                message: "row-level security hides rows from the user \(found.user): a copy would lack them",
                hint: found.hint(table.name), sqlState: "42501", binding: table.binding)
        }
        return Set(guards.map(\.oid))
    }
}

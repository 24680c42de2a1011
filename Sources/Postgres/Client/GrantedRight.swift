/// Rights on one object that the session's role holds by a grant: to itself, to a role that it is a member of, or to PUBLIC.
public struct GrantedRight: Sendable {
    /// What kind of object is asked about.
    public enum Kind: String, Sendable { case table, schema, database }

    /// A question: who gives the session's role any of these privileges there?
    public struct Question: Sendable {
        var kind: Kind
        /// Of a table both parts, of a schema the first; nothing of a database, which is the session's own.
        var name: QualifiedName?
        var privileges: [String]

        public init(_ kind: Kind, _ name: QualifiedName?, _ privileges: [String]) {
            self.kind = kind
            self.name = name
            self.privileges = privileges
        }
    }

    /// The question's index.
    public var question: Int
    /// Those of the question's that are held, in order of their names. On columns of a table too.
    public var privileges: [String]
    /// As statements name it.
    public var grantee: String
    /// ` through PUBLIC`, ` through the role x`; empty where the session's own role is meant.
    public var path: String
    /// Members of the role other than the session's own have it from there too.
    public var isShared: Bool

    /// Takes privileges on objects, written as statements name them, from the grantee.
    public func revocation(_ privileges: [String], on objects: String) -> String {
        "REVOKE \(privileges.joined(separator: ", ")) ON \(objects) FROM \(grantee);"
            + (isShared ? RoleRights.othersLose : "")
    }

    /// The answers, by question; within one the role's own grant first. What an owner may do is nobody's grant, and what comes
    /// with a role that may do nearly everything is the membership's (`RoleRights.excess`).
    public static func find(_ questions: [Question], _ connection: Connection) throws -> [GrantedRight] {
        guard !questions.isEmpty else { return [] }
        let rows = try connection.query(
            """
            SELECT w.place, quote_ident(g.rolname), coalesce(g.rolname = current_user, false) AS is_own,
                   string_agg(DISTINCT a.privilege_type, ',' ORDER BY a.privilege_type),
                   a.grantee <> 0 AND coalesce(g.rolname <> current_user, false)
                     AND \(raw: RoleRights.hasOthers(of: "a.grantee"))
              FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
                   AS w (kind, namespace, name, privileges, place)
              LEFT JOIN pg_namespace n ON w.kind <> 'database' AND n.nspname = w.namespace
              LEFT JOIN pg_class c ON w.kind = 'table' AND c.relnamespace = n.oid AND c.relname = w.name
              LEFT JOIN pg_database d ON w.kind = 'database' AND d.datname = current_database()
             CROSS JOIN LATERAL (
                   SELECT x.grantee, x.privilege_type
                     FROM aclexplode(CASE w.kind WHEN 'table' THEN c.relacl WHEN 'schema' THEN n.nspacl ELSE d.datacl END) x
                    UNION ALL
                   SELECT x.grantee, x.privilege_type FROM pg_attribute t CROSS JOIN LATERAL aclexplode(t.attacl) x
                    WHERE t.attrelid = c.oid) a
              LEFT JOIN pg_roles g ON g.oid = a.grantee
             WHERE a.privilege_type = ANY (string_to_array(w.privileges, ','))
               AND NOT pg_has_role(
                     CASE w.kind WHEN 'table' THEN c.relowner WHEN 'schema' THEN n.nspowner ELSE d.datdba END, 'USAGE')
               AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))
               AND NOT coalesce(g.rolname = ANY ($5::name[]), false)
             GROUP BY w.place, a.grantee, g.rolname ORDER BY w.place, is_own DESC, g.rolname
            """,
            [
                ArrayText.of(questions.map(\.kind.rawValue)),
                ArrayText.of(questions.map { $0.name?.schema.name ?? "" }),
                ArrayText.of(questions.map { $0.name?.name.name ?? "" }),
                ArrayText.of(questions.map { $0.privileges.joined(separator: ",") }), ArrayText.of(RoleRights.broad),
            ])
        return (0..<rows.count).map { row in
            let role = rows[row, 1]
            return GrantedRight(
                question: (rows[row, 0].flatMap { Int($0) } ?? 1) - 1,
                privileges: (rows[row, 3] ?? "").split(separator: ",").map(String.init), grantee: role ?? "PUBLIC",
                path: rows[row, 2] == "t" ? "" : role.map { " through the role \($0)" } ?? " through PUBLIC",
                isShared: rows[row, 4] == "t")
        }
    }
}

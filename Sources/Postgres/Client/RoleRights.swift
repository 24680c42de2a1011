/// Rights of a session's own role that reach beyond single objects.
public enum RoleRights {
    /// One that a pipeline has no use for.
    public struct Right: Sendable {
        /// A clause: `the role is a superuser`.
        public var what: String
        /// What takes it away; nil where it comes from elsewhere.
        public var remedy: String?
        /// It holds all the others.
        public var isEverything = false
    }

    /// A role that the session's own is a member of, by itself or through another.
    public struct Membership: Sendable {
        /// Quoted where it must be.
        public var group: String
        /// The role between, which is the group's member; nil where the session's own is.
        public var holder: String?
        /// The statement that ends it, where it begins.
        public var revocation: String

        /// ` through the role x`; empty where none is between.
        public var path: String { holder.map { " through the role \($0)" } ?? "" }
    }

    /// Roles whose members may do nearly everything.
    static let broad = [
        "pg_write_all_data", "pg_write_server_files", "pg_execute_server_program", "pg_read_server_files",
        "rds_superuser",
        "azure_pg_admin", "neon_superuser", "cloudsqlsuperuser", "supabase_admin",
    ]

    /// In order of weight.
    public static func excess(_ connection: Connection) throws -> [Right] {
        let rows = try connection.query(
            """
            SELECT rolsuper, rolcreaterole, rolcreatedb, quote_ident(rolname) FROM pg_roles WHERE rolname = current_user
            """)
        guard rows.count == 1, let role = rows[0, 3] else { return [] }
        if rows[0, 0] == "t" {
            return [
                Right(
                    what: "it is a superuser, which no pipeline needs",
                    remedy:
                        "-- use a role of the pipeline's own (flowctl setup makes one), or: ALTER ROLE \(role) NOSUPERUSER;",
                    isEverything: true)
            ]
        }
        var found: [Right] = []
        for (column, name, what) in [(1, "CREATEROLE", "make roles"), (2, "CREATEDB", "make databases")]
        where rows[0, column] == "t" {
            found.append(Right(what: "it may \(what)", remedy: "ALTER ROLE \(role) NO\(name);"))
        }
        for membership in try memberships(in: broad, connection) {
            found.append(
                Right(what: "it is a member of \(membership.group)\(membership.path)", remedy: membership.revocation))
        }
        return found
    }

    /// How the session's role comes to be a member of those named. What comes with a broad role alone is that one's.
    public static func memberships(in groups: [String], _ connection: Connection) throws -> [Membership] {
        let rows = try connection.query(
            """
            WITH RECURSIVE held AS (
              SELECT m.roleid, m.member, m.grantor FROM pg_auth_members m JOIN pg_roles me ON me.oid = m.member
               WHERE me.rolname = current_user
              UNION
              SELECT m.roleid, m.member, m.grantor FROM held h JOIN pg_roles g ON g.oid = h.roleid
                JOIN pg_auth_members m ON m.member = g.oid
               WHERE NOT (g.rolname = ANY ($1::name[]) OR g.rolname = ANY ($2::name[])))
            SELECT quote_ident(g.rolname), CASE WHEN m.rolname <> current_user THEN quote_ident(m.rolname) END,
                   quote_ident(m.rolname), CASE WHEN h.grantor <> 10 THEN quote_ident(pg_get_userbyid(h.grantor)) END,
                   m.rolname <> current_user AND \(raw: hasOthers(of: "m.oid"))
              FROM held h JOIN pg_roles g ON g.oid = h.roleid JOIN pg_roles m ON m.oid = h.member
             WHERE g.rolname = ANY ($2::name[]) ORDER BY 1, 3, 4
            """, [ArrayText.of(broad), ArrayText.of(groups)])
        return (0..<rows.count).map { row in
            // From 16 on each grantor's grant is one of its own; the first superuser's is what is meant where none is named.
            let grantor = connection.serverVersion >= 160_000 ? rows[row, 3] : nil
            let group = rows[row, 0] ?? ""
            return Membership(
                group: group, holder: rows[row, 1],
                revocation: "REVOKE \(group) FROM \(rows[row, 2] ?? "")\(grantor.map { " GRANTED BY \($0)" } ?? "");"
                    + (rows[row, 4] == "t" ? othersLose : ""))
        }
    }

    /// Whether a role has members that the session's own role is not a member of, nor itself.
    static func hasOthers(of role: String) -> String {
        """
        EXISTS (SELECT FROM pg_auth_members o JOIN pg_roles r ON r.oid = o.member
                 WHERE o.roleid = \(role) AND NOT pg_has_role(r.oid, 'MEMBER'))
        """
    }

    /// Behind a statement that takes a right from a role with other members.
    static let othersLose = " /* its other members lose that too; or take the user out of that role */"
}

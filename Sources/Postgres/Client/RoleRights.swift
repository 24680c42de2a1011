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

    /// In order of weight.
    public static func excess(_ connection: Connection) throws -> [Right] {
        let rows = try connection.query(
            """
            SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, quote_ident(rolname),
                   coalesce((SELECT string_agg(g.rolname, ',' ORDER BY g.rolname) FROM pg_roles g
                     WHERE g.rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program',
                                         'pg_read_server_files', 'rds_superuser', 'azure_pg_admin', 'neon_superuser',
                                         'cloudsqlsuperuser', 'supabase_admin')
                       AND g.rolname <> current_user AND pg_has_role(g.oid, 'MEMBER')), '')
              FROM pg_roles WHERE rolname = current_user
            """)
        guard rows.count == 1, let role = rows[0, 4] else { return [] }
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
        for group in (rows[0, 5] ?? "").split(separator: ",") {
            found.append(Right(what: "it is a member of \(group)", remedy: "REVOKE \(group) FROM \(role);"))
        }
        return found
    }
}

/// Statements that make roles and give them what they need, each without effect where it has been run before.
public enum RoleStatements {
    /// A role that logs in. `attribute` is one more that it has: `REPLICATION`.
    public static func login(_ name: String, attribute: String? = nil) -> String {
        let role = Identifier(name)
        let flag = attribute == "REPLICATION" ? " OR NOT rolreplication" : ""
        let all = attribute.map { "LOGIN \($0)" } ?? "LOGIN"
        return block(
            """
              IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = \(SQL.literal(name))) THEN
                CREATE ROLE \(role) \(all);
              ELSIF EXISTS (SELECT FROM pg_roles WHERE rolname = \(SQL.literal(name)) AND (NOT rolcanlogin\(flag))) THEN
                ALTER ROLE \(role) \(all);
              END IF;
            """)
    }

    /// A role that holds grants and does not log in, so that it has no password.
    public static func group(_ name: String) -> String {
        block(
            """
              IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = \(SQL.literal(name))) THEN
                CREATE ROLE \(Identifier(name)) NOLOGIN;
              END IF;
            """)
    }

    /// A schema that is made where it is absent: `IF NOT EXISTS` would ask for rights on the database even where it is there.
    public static func schema(_ name: String, comment: String? = nil) -> String {
        let remark = comment.map { "\n    COMMENT ON SCHEMA \(Identifier(name)) IS \(SQL.literal($0));" } ?? ""
        return block(
            """
              IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = \(SQL.literal(name))) THEN
                CREATE SCHEMA \(Identifier(name));\(remark)
              END IF;
            """)
    }

    /// An anonymous block; `body` is indented by two.
    public static func block(declare: String? = nil, _ body: String) -> String {
        "DO $setup$\n" + (declare.map { "DECLARE \($0)\n" } ?? "") + "BEGIN\n\(body)\nEND $setup$;"
    }

    /// Tables as an array that a block can loop over.
    public static func array(_ tables: [QualifiedName]) -> String {
        "ARRAY[" + tables.map { SQL.literal($0.quoted) }.joined(separator: ", ") + "]"
    }
}

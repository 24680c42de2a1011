import Connectors
import Postgres

/// What makes a database ready to be materialized into: pure, from the catalog alone.
public struct DestinationSetup: Sendable {
    /// A bound table, and whether it takes changes as rows.
    public struct Table: Sendable {
        public var name: QualifiedName
        public var isDelta: Bool
        /// The schema of the source's table, where types of the user's own are.
        public var sourceSchema: String

        public init(name: QualifiedName, isDelta: Bool, sourceSchema: String) {
            self.name = name
            self.isDelta = isDelta
            self.sourceSchema = sourceSchema
        }
    }

    let config: PostgresMaterialization.Config
    let tables: [Table]
    let platform: Platform
    /// A role that holds the grants, of which the user is a member; nil: the user itself holds them.
    let group: String?

    public init(config: PostgresMaterialization.Config, tables: [Table], platform: Platform, group: String?) {
        self.config = config
        self.tables = tables
        self.platform = platform
        self.group = group
    }

    private var user: String { config.connection.role }
    private var grantee: Identifier { Identifier(group ?? user) }

    /// In the order to do them.
    public var steps: [SetupStep] {
        var steps = byHand
        steps.append(SetupStep("The user that the materialization logs in as", sql: RoleStatements.login(user)))
        if let group {
            steps.append(
                SetupStep(
                    "The role that holds the grants, with the user as its member",
                    sql: RoleStatements.group(group) + "\nGRANT \(Identifier(group)) TO \(Identifier(user));"))
        }
        steps.append(
            SetupStep(
                "The database, and temporary tables, which large sets of changes go through",
                sql: "GRANT CONNECT, TEMPORARY ON DATABASE \(Identifier(config.connection.database)) TO \(grantee);"))
        steps += schemas + [metadata]
        if !tables.isEmpty { steps.append(existing) }
        if config.replicationRole == .replica {
            steps.append(
                SetupStep(
                    "Triggers and foreign keys rest while rows are stored (15 and newer, as a superuser)",
                    sql: "GRANT SET ON PARAMETER session_replication_role TO \(grantee);"))
        }
        return steps
    }

    private var byHand: [SetupStep] {
        var steps: [SetupStep] = []
        if let direct = config.connection.directHost {
            steps.append(
                SetupStep(
                    "A pooler in transaction mode loses what a session keeps", byHand: "set the address to \(direct)"))
        }
        if platform == .selfHosted {
            steps.append(
                SetupStep(
                    "The role must get in",
                    byHand: "a line in pg_hba.conf: host \(Identifier(config.connection.database)) \(Identifier(user)) "
                        + "<address> scram-sha-256; then SELECT pg_reload_conf();"))
        }
        let types = Set(tables.map(\.sourceSchema)).subtracting(targets).sorted()
        if !types.isEmpty {
            let list = types.map { "\(Identifier($0))" }.joined(separator: ", ")
            steps.append(
                SetupStep(
                    "Enums, domains and composite types are made in the schemas that they have at the source",
                    byHand:
                        "where captured columns have such types: GRANT USAGE, CREATE ON SCHEMA \(list) TO \(grantee); "
                        + "flowctl check says whether they do"))
        }
        return steps
    }

    private var targets: Set<String> { Set(tables.map(\.name.schema.name) + [config.schema]) }

    private var schemas: [SetupStep] {
        targets.sorted().map { schema in
            SetupStep(
                "The schema that tables are made in",
                sql: RoleStatements.schema(schema)
                    + "\nGRANT USAGE, CREATE ON SCHEMA \(Identifier(schema)) TO \(grantee);")
        }
    }

    private var metadata: SetupStep {
        SetupStep(
            "The schema of flowctl's own tables: how far each link is",
            sql: RoleStatements.schema(config.metadataSchema, comment: MetadataSchema.comment)
                + "\nGRANT USAGE, CREATE ON SCHEMA \(Identifier(config.metadataSchema)) TO \(grantee);")
    }

    /// Tables that flowctl made belong to the user already.
    private var existing: SetupStep {
        let rows = tables.map { table in
            let rights = table.isDelta ? "SELECT, INSERT" : "SELECT, INSERT, UPDATE, DELETE, TRUNCATE"
            return "(\(SQL.literal(table.name.quoted)), \(SQL.literal(rights)))"
        }
        return SetupStep(
            "Tables that are there already and belong to somebody else",
            sql: RoleStatements.block(
                declare: "item record;",
                """
                  FOR item IN SELECT * FROM (VALUES
                      \(rows.joined(separator: ",\n      "))
                    ) AS v(name, rights)
                    WHERE EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(v.name)
                                     AND pg_get_userbyid(relowner) <> \(SQL.literal(user)))
                  LOOP
                    EXECUTE format('GRANT %s ON %s TO %I', item.rights, item.name, \(SQL.literal(grantee.name)));
                  END LOOP;
                """))
    }
}

import Connectors
import Postgres

/// What makes a database ready to be captured from: pure, from the catalog alone.
public struct SourceSetup: Sendable {
    let config: PostgresCaptureConfig
    let tables: [CapturedTable]
    let platform: Platform
    /// A role that holds the grants, of which the capture's user is a member; nil: the user itself holds them.
    let group: String?

    public init(config: PostgresCaptureConfig, tables: [CapturedTable], platform: Platform, group: String?) {
        self.config = config
        self.tables = tables
        self.platform = platform
        self.group = group
    }

    private var user: String { config.connection.role }
    private var grantee: Identifier { Identifier(group ?? user) }
    private var names: [QualifiedName] { tables.map { QualifiedName($0.namespace, $0.stream) } }
    private var published: [QualifiedName] {
        names + config.sideTables.tables.filter(\.isPublished).map(\.name)
    }

    /// In the order to do them.
    public var steps: [SetupStep] { platformSteps + roleSteps + grantSteps + tableSteps + [publication, slot] }

    // MARK: - By hand

    private var platformSteps: [SetupStep] {
        var steps: [SetupStep] = []
        func add(_ purpose: String, _ text: String) { steps.append(SetupStep(purpose, byHand: text)) }
        if let direct = config.connection.directHost {
            add("The log can't be read through a pooler", "set the capture's address to \(direct)")
        }
        if config.isReadOnly {
            add(
                "The capture writes nothing to its server, which may be a standby (16 or newer)",
                "run the statements below on the primary; on the standby set hot_standby_feedback = on")
        }
        add("The log must carry rows", platform.logicalReplicationStep)
        switch platform {
        case .selfHosted:
            add(
                "The role must get in",
                "a line in pg_hba.conf: host \(Identifier(config.connection.database)) \(Identifier(user)) <address> "
                    + "scram-sha-256; then SELECT pg_reload_conf();")
            add(
                "A capture that is down must not fill the disk",
                "ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf();")
        case .rds, .aurora:
            add(
                "A quiet connection must not be cut",
                "leave wal_sender_timeout at 30 s or more in the same parameter group; flowctl answers in time, so it "
                    + "needn't be 0")
            add("The address must be reachable", "let the security group take port \(config.connection.port) in")
        case .azure:
            add("Logical replication needs workers", platform.parameterStep("max_worker_processes", "16"))
            add(
                "The address must be reachable",
                "add a firewall rule in the portal; on the old single server the user is written name@server")
            add("An administrator gives only rights that it has", Platform.administratorNeedsReplication)
        case .neon:
            add("The server must be known for what it is", "set advanced.sslmode to verify-full")
            add(
                "Neon removes slots that nobody reads for a while",
                "keep flowctl apply running, and switch scale-to-zero off for this branch")
        case .supabase:
            add(
                "The direct connection is IPv6 unless bought otherwise",
                "use db.<project>.supabase.co:5432, never port 6543")
        case .cloudsql:
            add("The address must be reachable", "authorize the network, or run the Cloud SQL proxy beside flowctl")
            add("An administrator gives only rights that it has", Platform.administratorNeedsReplication)
        }
        return steps
    }

    // MARK: - Roles and grants

    private var roleSteps: [SetupStep] {
        let isRDS = platform == .rds || platform == .aurora
        var steps = [
            SetupStep(
                isRDS
                    ? "The user that the capture logs in as"
                    : "The user that the capture logs in as, and may read the log",
                sql: RoleStatements.login(user, attribute: isRDS ? nil : "REPLICATION"))
        ]
        if let group {
            steps.append(
                SetupStep(
                    "The role that holds the grants, with the user as its member",
                    sql: RoleStatements.group(group) + "\nGRANT \(Identifier(group)) TO \(Identifier(user));"))
        }
        if isRDS {
            steps.append(SetupStep("The right to read the log", sql: platform.replicationGrant("\(grantee)")))
        }
        return steps
    }

    private var grantSteps: [SetupStep] {
        var steps = [
            SetupStep(
                "The database",
                sql: "GRANT CONNECT ON DATABASE \(Identifier(config.connection.database)) TO \(grantee);")
        ]
        guard !names.isEmpty else { return steps }
        let schemas = Set(names.map(\.schema)).sorted { $0.name < $1.name }
        let list = schemas.map(\.quoted).joined(separator: ", ")
        steps.append(SetupStep("The captured tables' schemas", sql: "GRANT USAGE ON SCHEMA \(list) TO \(grantee);"))
        let tables = names.map(\.quoted).joined(separator: ",\n  ")
        steps.append(
            SetupStep(
                "The captured tables, to read and nothing else", sql: "GRANT SELECT ON\n  \(tables)\nTO \(grantee);"))
        return steps
    }

    // MARK: - Tables

    private var tableSteps: [SetupStep] {
        var steps: [SetupStep] = []
        if !names.isEmpty { steps += [rowSecurity, identities] }
        for table in config.sideTables.tables {
            steps.append(
                SetupStep(
                    "The \(table.kind)",
                    sql: """
                        \(RoleStatements.schema(table.name.schema.name))
                        \(table.create)
                        GRANT USAGE ON SCHEMA \(table.name.schema) TO \(grantee);
                        GRANT \(table.privileges.joined(separator: ", ")) ON \(table.name) TO \(grantee);
                        """))
        }
        return steps
    }

    private var rowSecurity: SetupStep {
        let policy = RowSecurity.policy(of: grantee.name)
        return SetupStep(
            "Row security, where a table has it, must not hide rows from the capture",
            sql: RoleStatements.block(
                declare: "name text;",
                """
                  FOREACH name IN ARRAY \(RoleStatements.array(names)) LOOP
                    IF (SELECT relrowsecurity FROM pg_class WHERE oid = name::regclass) AND NOT EXISTS (
                        SELECT FROM pg_policy WHERE polrelid = name::regclass AND polname = \(SQL.literal(policy.name))) THEN
                      EXECUTE format('CREATE POLICY %I ON %s FOR SELECT TO %I USING (true)',
                        \(SQL.literal(policy.name)), name, \(SQL.literal(grantee.name)));
                    END IF;
                  END LOOP;
                """))
    }

    private var identities: SetupStep {
        SetupStep(
            "A table without a primary key has its whole old rows logged: its updates and deletes would fail otherwise",
            sql: RoleStatements.block(
                declare: "name text; part regclass;",
                """
                  FOREACH name IN ARRAY \(RoleStatements.array(names)) LOOP
                    FOR part IN SELECT c.oid FROM pg_class c
                      WHERE (c.oid = name::regclass OR c.oid IN (
                          WITH RECURSIVE parts AS (
                            SELECT inhrelid FROM pg_inherits WHERE inhparent = name::regclass
                            UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN parts p ON i.inhparent = p.inhrelid)
                          SELECT inhrelid FROM parts))
                        AND (c.relispartition OR c.oid = name::regclass)
                        AND c.relkind IN ('r', 'p') AND c.relreplident = 'd'
                        AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
                    LOOP
                      EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', part);
                    END LOOP;
                  END LOOP;
                """))
    }

    // MARK: - Publication and slot

    private var publication: SetupStep {
        let name = SQL.literal(config.publication)
        let create = "CREATE PUBLICATION \(Identifier(config.publication))"
        return SetupStep(
            "The publication: what the log shows of the tables, made by their owner so that the user needn't be one",
            sql: RoleStatements.block(
                declare: "name text;",
                """
                  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = \(name)) THEN
                    IF current_setting('server_version_num')::int >= 130000 THEN
                      EXECUTE \(SQL.literal(create + " WITH (publish_via_partition_root = \(!config.capturesPartitions))"));
                    ELSE
                      EXECUTE \(SQL.literal(create));
                    END IF;
                  END IF;
                  IF EXISTS (SELECT FROM pg_publication p
                      WHERE p.pubname = \(name) AND to_jsonb(p) ->> 'pubviaroot' = 'false') AND EXISTS (SELECT FROM pg_class c
                      WHERE c.relkind = 'p' AND c.oid = ANY (\(RoleStatements.array(published))::regclass[])) THEN
                    EXECUTE \(SQL.literal("ALTER PUBLICATION \(Identifier(config.publication)) SET (publish_via_partition_root = true)"));
                  END IF;
                  FOREACH name IN ARRAY \(RoleStatements.array(published))::text[] LOOP
                    IF NOT EXISTS (SELECT FROM pg_publication_tables p
                        JOIN pg_namespace n ON n.nspname = p.schemaname
                        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
                        WHERE p.pubname = \(name) AND c.oid = name::regclass) THEN
                      EXECUTE format('ALTER PUBLICATION %I ADD TABLE %s%s', \(name),
                        CASE WHEN (SELECT relkind FROM pg_class WHERE oid = name::regclass) = 'p'
                             THEN '' ELSE 'ONLY ' END, name);
                    END IF;
                  END LOOP;
                """))
    }

    private var slot: SetupStep {
        SetupStep(
            "The slot \"\(config.slot)\" needs nothing",
            byHand: "flowctl apply makes it with its first run; one made now would keep log from now on")
    }
}

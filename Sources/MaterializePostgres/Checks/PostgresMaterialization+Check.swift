import Connectors
import Postgres

extension PostgresMaterialization: CheckedMaterialization {
    public func check(_ link: LinkSpec, shapes: [TableShape?]) -> [Prerequisite] {
        do {
            let connection = try DestinationConnection.plain(config, scope("check"))
            defer { connection.close() }
            let checking = DestinationChecking(connection, config, scope("check"))
            checking.checkPooling()
            checking.step("server") { try checking.checkServer() }
            checking.step("schema \(Identifier(config.metadataSchema))") { try checking.checkMetadata(link) }
            // What can't be read is a finding already: then no table is said to be a stranger's.
            let records =
                try? metadata.isReadable(connection) ? LinkRecord.read(link, metadata, connection)?.bindings ?? [] : []
            let named = link.atDestination
            for binding in named.bindings {
                let name = QualifiedName(binding.schema, binding.name)
                let shape = shapes.indices.contains(binding.table) ? shapes[binding.table]?.stored(by: binding) : nil
                checking.step("table \(name)") {
                    try BindingTrial(checking: checking, binding: binding, link: named, records: records).run(shape)
                }
            }
            checking.step("role") { try checking.checkExcess() }
            return checking.findings
        } catch {
            return [refused(error)]
        }
    }

    private func refused(_ error: any Error) -> Prerequisite {
        let object = "database \(config.connection)"
        guard let error = error as? RunError else { return Prerequisite(.unmet, object, "it can't be checked") }
        let role = Identifier(config.connection.role)
        let remedy: Prerequisite.Remedy? =
            error.sqlState == "42501"
            ? .sql("GRANT CONNECT ON DATABASE \(Identifier(config.connection.database)) TO \(role);")
            : error.hint.map { .step($0) }
        return Prerequisite(.unmet, object, role: config.connection.role, error.message, remedy)
    }
}

/// One check of a destination as the materialization's user: gathers what it finds.
final class DestinationChecking {
    let connection: Connection
    let config: PostgresMaterialization.Config
    let scope: ErrorScope
    var findings: [Prerequisite] = []
    /// A pooler in transaction mode was found.
    private var losesSettings = false

    var role: String { "\(Identifier(config.connection.role))" }
    var database: String { "\(Identifier(config.connection.database))" }

    init(_ connection: Connection, _ config: PostgresMaterialization.Config, _ scope: ErrorScope) {
        self.connection = connection
        self.config = config
        self.scope = scope
    }

    func add(
        _ grade: Prerequisite.Grade, _ object: String, _ message: String, _ remedy: Prerequisite.Remedy? = nil,
        isOfRole: Bool = false
    ) {
        let found = Prerequisite(grade, object, role: isOfRole ? config.connection.role : nil, message, remedy)
        if !findings.contains(found) { findings.append(found) }
    }

    /// Runs one step in a transaction that is rolled back whatever happens; what the server says against it is a finding
    /// about the object.
    func step(_ object: String, _ body: () throws -> Void) {
        defer { try? connection.execute("ROLLBACK") }
        do {
            try connection.execute("BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '20s'")
            try body()
        } catch let error as PostgresError {
            add(.unmet, object, error.message, error.hint.map { .step($0) }, isOfRole: error.sqlState == "42501")
        } catch let error as RunError {
            add(.unmet, object, error.message, error.hint.map { .step($0) }, isOfRole: error.sqlState == "42501")
        } catch {
            add(.unmet, object, "it can't be checked")
        }
    }

    /// Tries a body behind a savepoint that is rolled back to; the server's refusal, or nil.
    func refusal(_ body: () throws -> Void) throws -> PostgresError? {
        try connection.execute("SAVEPOINT flow_trial")
        defer { try? connection.execute("ROLLBACK TO SAVEPOINT flow_trial; RELEASE SAVEPOINT flow_trial") }
        do {
            try body()
            return nil
        } catch let error as PostgresError where !error.isConnectionLost {
            return error
        }
    }

    func isTrue(_ sql: SQL, _ parameters: [String?] = []) throws -> Bool {
        try connection.query(sql, parameters)[0, 0] == "t"
    }

    // MARK: - The server and the role

    /// Outside of any transaction: within one a pooler leaves the session alone.
    func checkPooling() {
        do {
            try TransactionPooling.refuse(connection, config, scope)
        } catch let error as RunError where !error.isPassing {
            losesSettings = true
            let parameters = config.connection
            let direct = parameters.directHost
            let step = direct.map { "set the address to \($0)" } ?? error.hint ?? "name the database server itself"
            add(.unmet, "address \(parameters.host):\(parameters.port)", error.message, .step(step))
        } catch {
            add(.unmet, "server", "it can't be checked for a pooler")
        }
    }

    func checkServer() throws {
        let parameters = config.connection
        if try isTrue("SELECT pg_is_in_recovery()") {
            add(.unmet, "server", "it is a standby, which takes no writes", .step("name the primary in the address"))
        }
        // A pooler answers the client with a process number of its own making.
        let backend = try connection.query("SELECT pg_backend_pid()")[0, 0]
        let direct = parameters.directHost
        // Neon's proxy does so before a server of its own too.
        if !losesSettings,
            try direct != nil || (backend != String(connection.backendPID) && Platform.detect(connection) != .neon)
        {
            add(
                .advice, "address \(parameters.host):\(parameters.port)",
                "a connection pooler stands between, in session mode as far as it shows",
                .step(
                    "set the address to \(direct ?? "the server behind it"), which the log's rows take a shorter way to"
                ))
        }
        if try !isTrue("SELECT has_database_privilege(current_database(), 'TEMP')") {
            add(
                .unmet, "database \(database)", "the role may not make temporary tables, which large sets go through",
                .sql("GRANT TEMPORARY ON DATABASE \(database) TO \(role);"), isOfRole: true)
        }
        if config.replicationRole == .replica,
            let refused = try refusal({ try connection.execute("SET LOCAL session_replication_role = replica") })
        {
            let grant = "GRANT SET ON PARAMETER session_replication_role TO \(role);"
            add(
                .unmet, "session_replication_role", "the role may not set it (\(refused.message))",
                connection.serverVersion >= 150_000
                    ? .sql(grant)
                    : .step("set advanced.sessionReplicationRole to origin; it takes a superuser before 15"),
                isOfRole: true)
        }
        let isLocal = parameters.host.hasPrefix("/") || ["localhost", "127.0.0.1", "::1"].contains(parameters.host)
        if !isLocal, try !isTrue("SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)") {
            add(
                .advice, "connection", "it is not encrypted",
                .step("set advanced.sslmode to verify-full, or to require"))
        }
    }

    /// The tables of checkpoints and states: there and writable, or the role makes them.
    func checkMetadata(_ link: LinkSpec) throws {
        let metadata = MetadataSchema(config.metadataSchema)
        let schema = Identifier(config.metadataSchema)
        let make =
            "CREATE SCHEMA IF NOT EXISTS \(schema); GRANT USAGE, CREATE ON SCHEMA \(schema) TO \(role);"
        // Of a schema that the role may not use nothing is looked up by its name.
        if try isTrue(
            "SELECT NOT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1", [metadata.name])
        {
            let there = try metadata.rights.filter { table, _ in
                try isTrue(
                    """
                    SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                                    WHERE n.nspname = $1 AND c.relname = $2 AND NOT pg_has_role(c.relowner, 'USAGE'))
                    """, [table.schema.name, table.name.name])
            }
            let grants = there.map { " GRANT \($1.joined(separator: ", ")) ON \($0) TO \(role);" }
            add(
                .unmet, "schema \(schema)", "the role may not use it, and flowctl keeps its own tables there",
                .sql(make + grants.joined()), isOfRole: true)
            return
        }
        guard try metadata.exists(connection) else {
            guard let refused = try refusal({ try metadata.make(connection) }) else { return }
            add(
                .unmet, "schema \(schema)", "the role can't make flowctl's tables there (\(refused.message))",
                .sql(make), isOfRole: true)
            return
        }
        for (table, needed) in metadata.rights {
            let missing = try needed.filter { (privilege: String) in
                try !isTrue(
                    "SELECT has_schema_privilege($1, 'USAGE') AND has_table_privilege($2, $3)",
                    [config.metadataSchema, table.quoted, privilege])
            }
            guard !missing.isEmpty else { continue }
            add(
                .unmet, "table \(table)", "the role lacks \(missing.joined(separator: ", ")) on it",
                .sql(
                    "GRANT USAGE ON SCHEMA \(schema) TO \(role); "
                        + "GRANT \(missing.joined(separator: ", ")) ON \(table) TO \(role);"), isOfRole: true)
        }
    }

    func checkExcess() throws {
        for right in try RoleRights.excess(connection) {
            add(.excess, "role", right.what, right.remedy.map { .sql($0) }, isOfRole: true)
        }
    }
}

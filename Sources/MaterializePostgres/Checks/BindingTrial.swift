import Connectors
import Postgres

/// Whether a binding's table can be made, or taken as it is.
struct BindingTrial {
    let checking: DestinationChecking
    let binding: LinkBinding
    /// The link, as its destination names its tables.
    let link: LinkSpec
    /// What the destination has of the link's tables; nil where that can't be read.
    let records: [BindingRecord]?

    private var name: QualifiedName { QualifiedName(binding.schema, binding.name) }
    private var object: String { "table \(name)" }
    private var scope: ErrorScope {
        var scope = checking.scope
        scope.object = object
        scope.binding = binding.index
        return scope
    }

    /// In a transaction that the caller rolls back. Without a shape only what is there can be judged.
    func run(_ shape: TableShape?) throws {
        try MetadataSchema(checking.config.metadataSchema).refuseOwn([binding], task: scope.task ?? "")
        if let shape { try BindingCheck.run(binding, shape, scope) }
        try DestinationConnection.takeRoleLocally(checking.config, checking.connection)
        switch try TableInspection(connection: checking.connection).find(name) {
        case .absent: try tryMaking(shape)
        case .table(let table): try judge(table, shape)
        case .other(let kind):
            checking.add(
                .unmet, object, "there is something of this name that is no table (pg_class.relkind \(kind))",
                .step("name another table in the binding's resource"))
        }
    }

    private func tryMaking(_ shape: TableShape?) throws {
        let mayChange = checking.config.schemaEvolution == .basic
        guard let shape else { return try checkSchema() }
        let definition = TableDefinition(binding: binding, shape: shape)
        let create = definition.create(withKey: binding.mode == .upsert)
        guard mayChange else {
            checking.add(.unmet, object, "it is missing, and schemaEvolution is none", .sql(create + ";"))
            return
        }
        let connection = checking.connection
        let provision = TypeProvision(
            connection: connection, scope: scope, mayChange: true,
            provisioning: Provisioning(making: { try connection.execute("\(raw: $0)") }))
        do {
            _ = try provision.provideSchema(binding.schema)
            _ = try provision.provide(shape.types)
            try scope.rethrowing { try checking.connection.execute("\(raw: create)") }
        } catch let error as RunError {
            guard error.sqlState == "42501", !(error.hint ?? "").contains("CREATE EXTENSION") else {
                let hint = error.hint ?? ""
                let isSQL = hint.hasPrefix("run as a user who may: ")
                checking.add(
                    .unmet, object, error.message,
                    isSQL ? .sql(String(hint.dropFirst("run as a user who may: ".count)) + ";") : .step(hint))
                return
            }
            checking.add(
                .unmet, object, "the role can't make it (\(error.message))", .sql(schemaGrant(shape)), isOfRole: true)
        }
    }

    /// What lets the role make the table and the types that it needs, in whichever schemas they are.
    private func schemaGrant(_ shape: TableShape?) -> String {
        let others = (shape?.types ?? []).compactMap { type -> String? in
            if case .extensionType = type.kind { nil } else { type.schema }
        }
        let schemas = Set([binding.schema] + others).sorted().map { Identifier($0) }
        return schemas.map {
            "CREATE SCHEMA IF NOT EXISTS \($0); GRANT USAGE, CREATE ON SCHEMA \($0) TO \(checking.role);"
        }.joined(separator: " ")
    }

    private func checkSchema() throws {
        let rows = try checking.connection.query(
            """
            SELECT (SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE')
                      FROM pg_namespace WHERE nspname = $1), has_database_privilege(current_database(), 'CREATE')
            """, [binding.schema])
        guard rows[0, 0] != "t", rows[0, 0] != nil || rows[0, 1] != "t" else { return }
        checking.add(
            .unmet, "schema \(name.schema)", "the role can't make tables there", .sql(schemaGrant(nil)), isOfRole: true)
    }

    // MARK: - A table that is there

    private func judge(_ table: DestinationTable, _ shape: TableShape?) throws {
        let wanted = TableRights.needed(binding) + (binding.mode == .upsert ? ["TRUNCATE"] : [])
        // By its number: a name is not looked up in a schema that the role may not use.
        let oid = try tableOID()
        let missing = try wanted.filter { privilege in
            try !checking.isTrue("SELECT has_table_privilege($1::oid, $2)", [oid, privilege])
        }
        let maySee = try checking.isTrue("SELECT has_schema_privilege($1, 'USAGE')", [binding.schema])
        if !missing.isEmpty || !maySee {
            let lacking =
                (maySee ? [] : ["USAGE on its schema"])
                + (missing.isEmpty ? [] : [missing.joined(separator: ", ") + " on it"])
            checking.add(
                .unmet, object, "the role lacks \(lacking.joined(separator: ", and "))",
                .sql(
                    "GRANT USAGE ON SCHEMA \(name.schema) TO \(checking.role);"
                        + (missing.isEmpty
                            ? "" : " GRANT \(missing.joined(separator: ", ")) ON \(name) TO \(checking.role);")),
                isOfRole: true)
        }
        if let shape, let records, maySee, !missing.contains("SELECT") {
            try judgeChanges(shape, records)
        } else {
            do {
                try TableObstacles.require(
                    table, link, binding, layoutOf: nil, checking.config, checking.connection, scope)
            } catch let error as RunError {
                checking.add(.unmet, object, error.message, error.hint.map { .step($0) })
            }
        }
        let isKnown = records.map { $0.contains { $0.isOf(binding) } } ?? true
        if table.refers, !isKnown, !binding.skipsBackfill {
            checking.add(
                .advice, object,
                "it has foreign keys that the server sees to as its rows are copied: a table that they refer to is copied before it, and "
                    + "a row that comes to be there meanwhile may come later than those that refer to it",
                .step(
                    "let the role set session_replication_role (15 and later: GRANT SET ON PARAMETER "
                        + "session_replication_role TO \(checking.role)), or drop the foreign keys until all is copied"),
                isOfRole: true)
        }
    }

    private func tableOID() throws -> String? {
        try checking.connection.query(
            """
            SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
            """, [binding.schema, binding.name])[0, 0]
    }

    /// Whether a run could take the table and change what it must: decided by what a run decides by.
    private func judgeChanges(_ shape: TableShape, _ records: [BindingRecord]) throws {
        let record = records.first { $0.isOf(binding) }
        let state = record?.state ?? BindingCheckpoint(phase: .pending)
        guard state.phase != .disabled else { return }
        var scope = scope
        scope.operation = "attach"
        let foreseen = Provisioning()
        do {
            let attachment = Attachment(
                connection: checking.connection, config: checking.config,
                statements: LinkStatements(
                    metadata: MetadataSchema(checking.config.metadataSchema), link: link, fence: 0),
                number: 0, binding: binding, scope: scope, record: record, provisioning: foreseen,
                isReplica: try checking.isTrue("SELECT current_setting('session_replication_role') = 'replica'"))
            _ = try attachment.run(shape: shape, state: state, willBackfill: state.phase == .pending)
            if let refusal = TableOwnership.refusal(of: foreseen.changes, scope) { throw refusal }
        } catch let error as RunError where !error.isPassing {
            let found = Prerequisite.unmet(error, object, role: checking.config.connection.role)
            if !checking.findings.contains(found) { checking.findings.append(found) }
            return
        }
        if !foreseen.strangers.isEmpty, checking.config.schemaEvolution == .basic {
            checking.add(
                .advice, object, "the role doesn't own it: columns that the source gets later can't be added",
                .sql("ALTER TABLE \(name) OWNER TO \(checking.role);"), isOfRole: true)
        }
    }
}

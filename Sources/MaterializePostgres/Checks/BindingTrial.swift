import Connectors
import Postgres

/// Whether a binding's table can be made, or taken as it is.
struct BindingTrial {
    let checking: DestinationChecking
    let binding: LinkBinding
    /// Whether the destination has a record of the table.
    let isKnown: Bool

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
        if !isKnown, !binding.skipsBackfill, !binding.adopts, maySee, !missing.contains("SELECT"),
            try !TableInspection(connection: checking.connection).isEmpty(name)
        {
            checking.add(
                .unmet, object, "it holds rows that flowctl has no record of",
                .step(
                    "empty it (TRUNCATE \(name)), name another table, skip the binding's backfill, or set adopt: true; the "
                        + "same where the link's row was taken out of "
                        + "\(MetadataSchema(checking.config.metadataSchema).checkpoints): nobody knows any more what the table lacks"
                ))
        }
        if let shape { try judgeChanges(table, shape, oid) }
    }

    private func tableOID() throws -> String? {
        try checking.connection.query(
            """
            SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
            """, [binding.schema, binding.name])[0, 0]
    }

    /// What would have to be changed, and whether the role may: only an owner alters a table.
    private func judgeChanges(_ table: DestinationTable, _ shape: TableShape, _ oid: String?) throws {
        let isOwner = try checking.isTrue(
            "SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = $1::oid", [oid])
        let own = "ALTER TABLE \(name) OWNER TO \(checking.role);"
        if !isKnown {
            let empty = TableShape(table: shape.table, namespace: shape.namespace, name: shape.name, columns: [])
            do {
                let plan = try EvolutionPlan(
                    from: .init(shape: empty, retired: [:], highest: 0, table: table), to: shape, binding: binding)
                let changes = TableDefinition(binding: binding, shape: shape).evolve(plan.steps)
                guard isOwner, checking.config.schemaEvolution == .basic || changes.isEmpty else {
                    if !changes.isEmpty {
                        checking.add(
                            .unmet, object,
                            isOwner
                                ? "it must be changed, and schemaEvolution is none"
                                : "it must be changed, and the role doesn't own it",
                            .sql(changes.map { $0 + ";" }.joined(separator: " ")), isOfRole: !isOwner)
                    }
                    return
                }
            } catch {
                checking.add(.unmet, object, error.message, .step(error.remedy.text))
            }
        }
        if !isOwner, checking.config.schemaEvolution == .basic {
            checking.add(
                .advice, object, "the role doesn't own it: columns that the source gets later can't be added",
                .sql(own), isOfRole: true)
        }
    }
}

import Connectors
import Postgres

/// Makes the types that columns need. Those that are there are accepted if they are the same.
struct TypeProvision {
    let connection: Connection
    let scope: ErrorScope
    let mayChange: Bool
    let provisioning: Provisioning

    /// Makes types in the open transaction; returns the SQL that it ran.
    func provide(_ types: [TypeDefinition]) throws -> [String] {
        var ran: [String] = []
        for type in types {
            switch type.kind {
            case .extensionType(let name): ran += try provideExtension(type, name)
            case .enumeration(let labels):
                let create = "CREATE TYPE \(type.quoted) AS ENUM (\(labels.map(SQL.literal).joined(separator: ", ")))"
                ran += try provide(type, create, remedy: { try renaming(type, labels) }) {
                    try isSame(type, labels: labels)
                }
            case .domain(let definition):
                ran += try provide(type, "CREATE DOMAIN \(type.quoted) AS \(definition)") {
                    try isSame(type, as: "CREATE DOMAIN pg_temp.flow_probe AS \(definition)")
                }
            case .composite(let attributes):
                let list = attributes.map { "\(Identifier($0.name)) \($0.type)" }.joined(separator: ", ")
                ran += try provide(type, "CREATE TYPE \(type.quoted) AS (\(list))") {
                    try isSame(type, as: "CREATE TYPE pg_temp.flow_probe AS (\(list))")
                }
            }
        }
        return ran
    }

    private func renaming(_ type: TypeDefinition, _ labels: [String]) throws -> String? {
        let there = try EnumLabels.read(type, connection, scope)
        return EnumLabels.renaming(type, there: there, wanted: labels).map {
            "name its labels as the source does: \($0)"
        }
    }

    private func provide(
        _ type: TypeDefinition, _ create: String, remedy: () throws -> String? = { nil }, _ isSame: () throws -> Bool
    ) throws -> [String] {
        if try exists(type) {
            guard try isSame() else {
                throw scope.error(
                    .needsOperator, "the type \(type.quoted) is there and is another one than the source's",
                    hint: try remedy() ?? "change it to be as: \(create)")
            }
            return []
        }
        guard mayChange else { throw missing(type, create) }
        let schema = try provideSchema(type.schema)
        try make("type \(type.quoted)", create)
        return schema + [create]
    }

    private func make(_ object: String, _ create: String) throws {
        if provisioning.isPlanned(create) { return }
        try scope.rethrowing {
            try provisioning.take(PlannedChange(.create, object, sql: create, binding: scope.binding))
        }
    }

    private func missing(_ type: TypeDefinition, _ create: String) -> RunError {
        scope.error(
            .needsOperator, "the type \(type.quoted) is missing, and schemaEvolution is none", hint: "run: \(create)")
    }

    /// Makes a schema where it is absent; returns the SQL that it ran.
    func provideSchema(_ name: String) throws -> [String] {
        let rows = try scope.rethrowing {
            try connection.query("SELECT FROM pg_namespace WHERE nspname = $1", [name])
        }
        guard rows.count == 0 else { return [] }
        let create = "CREATE SCHEMA \(Identifier(name))"
        guard mayChange else {
            throw scope.error(
                .needsOperator, "the schema \"\(name)\" is missing, and schemaEvolution is none", hint: "run: \(create)"
            )
        }
        try make("schema \(Identifier(name))", create)
        return [create]
    }

    private func exists(_ type: TypeDefinition) throws -> Bool {
        try scope.rethrowing {
            try connection.query(
                """
                SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                 WHERE n.nspname = $1 AND t.typname = $2
                """, [type.schema, type.name]
            ).count > 0
        }
    }

    // MARK: - Extensions

    private func provideExtension(_ type: TypeDefinition, _ name: String) throws -> [String] {
        if try exists(type) { return [] }
        let create = "CREATE EXTENSION \(Identifier(name)) SCHEMA \(Identifier(type.schema))"
        guard mayChange else { throw missing(type, create) }
        let schema = try provideSchema(type.schema)
        guard !provisioning.isPlan else {
            try make("extension \(Identifier(name))", create)
            return schema + [create]
        }
        try scope.rethrowing { try connection.execute("SAVEPOINT flow_extension") }
        do {
            try provisioning.take(
                PlannedChange(.create, "extension \(Identifier(name))", sql: create, binding: scope.binding))
            try connection.execute("RELEASE SAVEPOINT flow_extension")
        } catch let error as PostgresError {
            throw scope.error(
                .needsOperator,
                "the type \(type.quoted) comes with the extension \"\(name)\", which can't be made: \(error.message)",
                hint: "run as a user who may: \(create)", sqlState: error.sqlState)
        }
        return schema + [create]
    }

    // MARK: - Comparing

    private func isSame(_ type: TypeDefinition, labels: [String]) throws -> Bool {
        let there = try EnumLabels.read(type, connection, scope)
        // Labels that a run would have added by now.
        let isGrown = provisioning.isPlan && EnumLabels.additions(type, there: there, wanted: labels) != nil
        return isGrown || EnumLabels.contains(there, labels)
    }

    /// Makes the type once more under another name and compares what the catalog says of both.
    private func isSame(_ type: TypeDefinition, as create: String) throws -> Bool {
        try scope.rethrowing {
            try connection.execute("SAVEPOINT flow_probe")
            try connection.execute("\(raw: create)")
            let rows = try connection.query(
                """
                SELECT t.oid = \(literal: type.quoted)::regtype, t.typtype, format_type(t.typbasetype, t.typtypmod),
                       t.typnotnull,
                       (SELECT array_agg(pg_get_constraintdef(c.oid) ORDER BY pg_get_constraintdef(c.oid))
                          FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'),
                       (SELECT array_agg((a.attname, format_type(a.atttypid, a.atttypmod))::text ORDER BY a.attnum)
                          FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
                  FROM pg_type t WHERE t.oid IN (\(literal: type.quoted)::regtype, 'pg_temp.flow_probe'::regtype)
                """)
            try connection.execute("ROLLBACK TO SAVEPOINT flow_probe; RELEASE SAVEPOINT flow_probe")
            guard rows.count == 2 else { return false }
            return (1...5).allSatisfy { rows[0, $0] == rows[1, $0] }
        }
    }
}

extension TypeDefinition {
    /// The type's name as DDL writes it.
    var quoted: String { QualifiedName(schema, name).quoted }
}

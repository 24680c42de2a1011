import Connectors
import Postgres

/// Makes the publication cover the captured tables with all that happens to them, and refuses one that leaves something out.
struct PublicationSetup {
    let connection: Connection
    let name: String
    let isReadOnly: Bool
    /// Each partition is captured as a table of its own.
    var showsPartitions = false
    let provisioning: Provisioning

    struct Result {
        var provisioned: [String] = []
        /// The statement that takes back what was made; nil where nothing was.
        var undo: String?
    }

    /// `followed`: indexes of tables of which a destination has rows. One that is not published any more has lost changes.
    func prepare(_ tables: [TableSource], followed: Set<Int>) throws -> Result {
        var result = Result()
        let identifier = Identifier(name)
        guard let reading = try PublicationReading(name, connection) else {
            try PublicationReading.refusePartitions(tables, nil, connection)
            try refuseGaps(tables, followed, identifier)
            try refuseIfReadOnly("CREATE PUBLICATION \(identifier) FOR TABLE \(list(tables));", tables)
            let options = try supportsViaRoot() ? " WITH (publish_via_partition_root = \(!showsPartitions))" : ""
            try run(.create, "CREATE PUBLICATION \(identifier) FOR TABLE \(list(tables))\(options)", tables, [])
            try provisioning.take(
                PlannedChange(
                    .create, "publication \(identifier)",
                    sql: "COMMENT ON PUBLICATION \(identifier) IS \(SQL.literal(PostgresCapture.mark))",
                    remark: "by this flowctl delete knows that it may drop it"))
            result.provisioned.append("publication \(identifier) for \(tables.count) tables")
            if !provisioning.isPlan { result.undo = "DROP PUBLICATION IF EXISTS \(identifier)" }
            return result
        }
        let missing = try reading.requireWhole(tables, showsPartitions: showsPartitions)
        try refuseGaps(missing, followed, identifier)
        if !missing.isEmpty {
            try refuseIfReadOnly("ALTER PUBLICATION \(identifier) ADD TABLE \(list(missing));", missing)
            try run(.change, "ALTER PUBLICATION \(identifier) ADD TABLE \(list(missing))", missing, missing)
            result.provisioned.append(
                "publication \(identifier): added \(missing.map { "\($0.name)" }.joined(separator: ", "))")
            if !provisioning.isPlan { result.undo = "ALTER PUBLICATION \(identifier) DROP TABLE \(list(missing))" }
        }
        return result
    }

    private func refuseGaps(_ missing: [TableSource], _ followed: Set<Int>, _ identifier: Identifier) throws {
        let gaps = missing.filter { followed.contains($0.index) }
        guard !gaps.isEmpty else { return }
        let names = gaps.map { "\($0.name)" }.joined(separator: ", ")
        throw RunError(
            .needsOperator, operation: "resume with", object: "publication \(identifier)",
            message: "it does not publish \(names) any more: changes since then are missing at the destinations",
            hint: "have these tables read again: raise `backfill` of their bindings in the capture"
                + (gaps.count == missing.count ? "" : "; tables that are new are added by themselves"),
            binding: gaps.first?.binding)
    }

    private func supportsViaRoot() throws -> Bool { connection.serverVersion >= 130_000 }

    private func list(_ tables: [TableSource]) -> String {
        tables.map(\.published).joined(separator: ", ")
    }

    private func run(
        _ effect: PlannedChange.Effect, _ statement: String, _ added: [TableSource], _ tables: [TableSource]
    ) throws {
        do {
            try provisioning.take(
                PlannedChange(
                    effect, "publication \(Identifier(name))", sql: statement,
                    lock: .init("SHARE UPDATE EXCLUSIVE", added.map { "\($0.name)" })))
        } catch let error as PostgresError where error.sqlState == "42501" {
            throw RunError(
                .needsOperator, operation: "make", object: "publication \(Identifier(name))", message: error.message,
                hint: "run as the tables' owner, who has CREATE on the database: \(statement);",
                sqlState: error.sqlState, binding: tables.first?.binding)
        }
    }

    private func refuseIfReadOnly(_ statement: String, _ tables: [TableSource]) throws {
        guard isReadOnly else { return }
        throw RunError(
            .needsOperator, operation: "use", object: "publication \(Identifier(name))",
            message: "it does not cover every captured table, and this capture does not write to the source",
            hint: "run on the primary: \(statement)", binding: tables.first?.binding)
    }
}

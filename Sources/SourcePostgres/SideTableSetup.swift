import Connectors
import Postgres

/// Makes the tables that a capture's config asks for beside the captured ones, and has them published.
struct SideTableSetup {
    let connection: Connection
    let publication: String
    let isReadOnly: Bool
    let provisioning: Provisioning

    struct Result {
        var provisioned: [String] = []
        /// Statements that take back what was made, the last first.
        var undo: [String] = []
    }

    /// Of what is there nothing is changed, but that it is published.
    func prepare(_ tables: [SideTables.Table]) throws -> Result {
        var result = Result()
        for table in tables {
            if try !exists(table) {
                try refuseIfReadOnly(table, table.create)
                try run(PlannedChange(.create, "\(table.kind) \(table.name)", sql: table.create), table)
                result.provisioned.append("\(table.kind) \(table.name)")
                if !provisioning.isPlan { result.undo.insert("DROP TABLE IF EXISTS \(table.name)", at: 0) }
            }
            if table.kind == SideTables.signalKind { try requireHeard(table) }
            guard table.isPublished, try !isPublished(table) else { continue }
            let statement = "ALTER PUBLICATION \(Identifier(publication)) ADD TABLE \(table.name)"
            try refuseIfReadOnly(table, statement + ";")
            try run(
                PlannedChange(
                    .change, "publication \(Identifier(publication))", sql: statement,
                    lock: .init("SHARE UPDATE EXCLUSIVE", ["\(table.name)"])), table)
            result.provisioned.append("publication \(Identifier(publication)): added \(table.name)")
            if !provisioning.isPlan {
                result.undo.insert("ALTER PUBLICATION \(Identifier(publication)) DROP TABLE \(table.name)", at: 0)
            }
        }
        return result
    }

    /// Throws where signals that are written to a table would not come, or be read as something else.
    private func requireHeard(_ table: SideTables.Table) throws {
        guard try exists(table) else { return }
        func refusal(_ message: String, _ hint: String) -> RunError {
            RunError(
                .needsOperator, operation: "use", object: "\(table.kind) \(table.name)", message: message, hint: hint)
        }
        guard try !table.hasOtherSignalColumns(connection) else {
            throw refusal(
                "its first columns are not id, type and data, in this order",
                "drop it, so that flowctl makes it, or name another one in the capture's config")
        }
        guard case let what?? = try PublicationReading.narrowings(publication, connection)[table.name] else { return }
        let name = Identifier(publication)
        throw refusal(
            "publication \(name) has \(what) for it: signals would not be heard",
            "ALTER PUBLICATION \(name) DROP TABLE \(table.name); ALTER PUBLICATION \(name) ADD TABLE \(table.name);")
    }

    private func exists(_ table: SideTables.Table) throws -> Bool {
        try connection.query("SELECT to_regclass(\(literal: table.name.quoted)) IS NOT NULL")[0, 0] == "t"
    }

    private func isPublished(_ table: SideTables.Table) throws -> Bool {
        try PublicationReading.isPublished(table.name, in: publication, connection)
    }

    private func run(_ change: PlannedChange, _ table: SideTables.Table) throws {
        do {
            try provisioning.take(change)
        } catch let error as PostgresError where ["42501", "3F000"].contains(error.sqlState ?? "") {
            throw RunError(
                .needsOperator, operation: "make", object: "\(table.kind) \(table.name)", message: error.message,
                hint: "run as somebody who may: CREATE SCHEMA IF NOT EXISTS \(table.name.schema); \(table.create) "
                    + "GRANT USAGE ON SCHEMA \(table.name.schema) TO the capture's user; "
                    + "GRANT \(table.privileges.joined(separator: ", ")) ON \(table.name) TO the capture's user; "
                    + "ALTER PUBLICATION \(Identifier(publication)) ADD TABLE \(table.name);", sqlState: error.sqlState)
        }
    }

    private func refuseIfReadOnly(_ table: SideTables.Table, _ statement: String) throws {
        guard isReadOnly else { return }
        throw RunError(
            .needsOperator, operation: "use", object: "\(table.kind) \(table.name)",
            message: "this capture does not write to the source", hint: "run on the primary: \(statement)")
    }
}

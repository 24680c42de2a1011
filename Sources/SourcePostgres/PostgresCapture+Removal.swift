import Connectors
import Postgres

/// Taking away what a capture made at its source.
extension PostgresCapture {
    /// The comment of a publication that `apply` made: no other is taken away.
    static let mark = "Made by flowctl."

    /// What is there of the capture's. The slot counts as its own only where a destination knows the link (`isKnown`).
    /// Throws where somebody reads from the slot.
    public func removal(isKnown: Bool) throws -> Removal {
        try rethrowing("delete", "capture \"\(name)\"") {
            let connection = try connect()
            defer { connection.close() }
            var removal = Removal()
            try addSlot(to: &removal, isKnown: isKnown, connection)
            try addPublication(to: &removal, connection)
            try addWatermark(to: &removal, isKnown: isKnown, connection)
            return removal
        }
    }

    /// Makes the changes of a removal, one by one: each may have been made before.
    public func remove(_ removal: Removal) throws {
        guard !removal.changes.isEmpty else { return }
        try rethrowing("delete", "capture \"\(name)\"") {
            let connection = try connect()
            defer { connection.close() }
            for change in removal.changes { try connection.execute("\(raw: change.sql)") }
        }
    }

    private func addSlot(to removal: inout Removal, isKnown: Bool, _ connection: Connection) throws {
        let object = "replication slot \(Identifier(config.slot))"
        guard let slot = try ReplicationSlot.find(config.slot, on: connection) else { return }
        guard slot.plugin == "pgoutput", slot.database == config.connection.database else {
            removal.kept.append("\(object) is not this capture's: another plugin or database has it")
            return
        }
        guard isKnown else {
            removal.kept.append("\(object): no destination of this catalog has a record of having used it")
            return
        }
        if let process = slot.activePID {
            throw RunError(
                .needsOperator, operation: "delete", object: "slot \"\(config.slot)\"",
                message: "the server's process \(process) reads from it: a runner of this catalog is up",
                hint: "stop it, then delete again", sqlState: "55006", task: name)
        }
        removal.changes.append(
            PlannedChange(
                .destroy, object, sql: "SELECT pg_drop_replication_slot(\(SQL.literal(config.slot)))",
                remark: "the log is no longer kept for this capture"))
    }

    private func addPublication(to removal: inout Removal, _ connection: Connection) throws {
        let object = "publication \(Identifier(config.publication))"
        let rows = try connection.query(
            """
            SELECT obj_description(p.oid, 'pg_publication') = $2, pg_has_role(p.pubowner, 'USAGE'),
                   (SELECT count(*) FROM pg_replication_slots s
                     WHERE s.database = current_database() AND s.plugin = 'pgoutput' AND s.slot_name <> $3),
                   (SELECT string_agg(quote_ident(t.schemaname) || '.' || quote_ident(t.tablename), ', ' ORDER BY 1)
                      FROM pg_publication_tables t
                     WHERE t.pubname = p.pubname AND NOT EXISTS (
                       SELECT FROM unnest($4::text[], $5::text[]) AS own (s, n)
                        WHERE own.s = t.schemaname AND own.n = t.tablename))
              FROM pg_publication p WHERE p.pubname = $1
            """,
            [
                config.publication, PostgresCapture.mark, config.slot,
                ArrayText.of(tables.map(\.namespace) + config.sideTables.tables.map(\.name.schema.name)),
                ArrayText.of(tables.map(\.stream) + config.sideTables.tables.map(\.name.name.name)),
            ])
        guard rows.count > 0 else { return }
        if rows[0, 0] != "t" {
            removal.kept.append("\(object): flowctl did not make it")
        } else if let others = rows[0, 3] {
            removal.kept.append("\(object): it publishes what is not of this catalog (\(others))")
        } else if rows[0, 2] != "0" {
            removal.kept.append(
                "\(object): other slots of this database may be read through it; where none is: DROP PUBLICATION "
                    + "\(Identifier(config.publication));")
        } else if rows[0, 1] != "t" {
            removal.kept.append(
                "\(object): the role does not own it; its owner: DROP PUBLICATION \(Identifier(config.publication));")
        } else {
            removal.changes.append(
                PlannedChange(.destroy, object, sql: "DROP PUBLICATION IF EXISTS \(Identifier(config.publication))"))
        }
        let shared = [SideTables.watermarksKind, SideTables.heartbeatKind, SideTables.signalKind]
        for table in config.sideTables.tables where shared.contains(table.kind) {
            removal.kept.append("\(table.kind) \(table.name), if it is there: others may use it")
        }
    }

    /// The capture's row in the watermarks table.
    private func addWatermark(to removal: inout Removal, isKnown: Bool, _ connection: Connection) throws {
        guard isKnown, let watermark = config.watermark else { return }
        let name = watermark.table.quoted
        let rows = try connection.query(
            "SELECT has_table_privilege(to_regclass($1), 'DELETE') AND NOT pg_is_in_recovery()", [name])
        guard let mayDelete = rows[0, 0] else { return }
        let object = "row \"\(watermark.slot)\" of watermarks table \(watermark.table)"
        let statement = "DELETE FROM \(name) WHERE slot = \(SQL.literal(watermark.slot))"
        guard mayDelete == "t" else {
            removal.kept.append("\(object): the role may not delete it; its owner: \(statement);")
            return
        }
        removal.changes.append(PlannedChange(.destroy, object, sql: statement))
    }
}

import Connectors
import Postgres

/// Whether the slot, where there is one, goes on where the destinations are.
struct SlotCheck {
    let checking: SourceChecking

    private var object: String { "slot \"\(checking.config.slot)\"" }
    private let beginAnew =
        "remove the links' rows from flow.checkpoints and flow.bindings and empty their tables to begin anew"

    func run(_ checkpoints: [LinkCheckpoint?]) throws {
        let known = checkpoints.compactMap { $0?.position }
        let end = try checking.server.endOfLog(checking.connection)
        if let furthest = known.max(), end < furthest, !checking.server.isStandby {
            checking.add(
                .unmet, "server",
                "its log ends at \(end), before the checkpoint \(furthest): it was restored from an older backup, or is a "
                    + "standby that was behind as it was promoted",
                .step("compare both sides; \(beginAnew)"))
        }
        guard let slot = try ReplicationSlot.find(checking.config.slot, on: checking.connection) else {
            if !known.isEmpty {
                checking.add(
                    .unmet, object, "it is gone, and changes since the checkpoint with it", .step(beginAnew))
            }
            return
        }
        guard slot.plugin == "pgoutput", slot.database == checking.config.connection.database else {
            let whose = slot.plugin.map { "of plugin \($0) in database \(slot.database ?? "")" } ?? "a physical one"
            checking.add(
                .unmet, object, "it is \(whose)", .step("set advanced.slotName to a name of this capture's own"))
            return
        }
        if slot.isSynced, checking.server.isStandby {
            checking.add(
                .unmet, object, "it is the primary's, kept here for a failover, and can't be read",
                .step("set advanced.slotName to another name, or name the primary in the address"))
        }
        if slot.isLost {
            checking.add(
                .unmet, object, "the server has removed log that it still needed (wal_status is lost)",
                .sql("SELECT pg_drop_replication_slot(\(SQL.literal(checking.config.slot)));  -- then \(beginAnew)"))
        }
        for position in known where slot.confirmed > position {
            checking.add(
                .unmet, object, "it stands at \(slot.confirmed), after the checkpoint \(position)",
                .step("let nothing else read from it; \(beginAnew)"))
        }
        if let process = slot.activePID { try reportReader(process) }
    }

    /// A runner of this very pipeline is no fault.
    private func reportReader(_ process: Int) throws {
        let rows = try checking.connection.query(
            """
            SELECT application_name, usename = current_user FROM pg_stat_activity WHERE pid = \(process)
            """)
        let isOwn = rows[0, 0] == "flowctl" && rows[0, 1] == "t"
        checking.add(
            isOwn ? .advice : .unmet, object,
            "process \(process) of the server reads from it" + (isOwn ? ": flowctl is running" : ""),
            isOwn ? nil : .step("stop that reader, or set advanced.slotName to a name of this capture's own"))
    }
}

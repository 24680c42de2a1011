import Connectors
import Postgres

extension ReplicationSlot {
    /// Why a capture can't read from it. What there is to do depends on what was read from the slot of that name before.
    func fault(
        _ config: PostgresCaptureConfig, _ checkpoints: [LinkCheckpoint], isStandby: Bool
    ) -> RunError? {
        func fault(_ message: String, _ hint: String) -> RunError {
            RunError(
                .needsOperator, operation: "use", object: "slot \"\(config.slot)\"", message: message, hint: hint)
        }
        if isSynced, isStandby {
            return fault(
                "it is the primary's, kept here for a failover: nobody can read from it before this standby is promoted",
                "set advanced.slotName to another name, or name the primary in the address")
        }
        let drop = "SELECT pg_drop_replication_slot('\(config.slot)');"
        let anew = "remove the links' rows from flow.checkpoints and flow.bindings and empty their tables to begin anew"
        let recorded = checkpoints.compactMap { LogIdentity(text: $0.captureState) }
        let wasRead = recorded.contains { $0.slot == config.slot && $0.database == config.connection.database }
        /// One that a destination has read from to its checkpoint was of no such kind: it is gone, and its log with it.
        func taken(_ message: String) -> RunError {
            if wasRead {
                return fault(
                    "\(message): the one that the checkpoint was made with is gone, and changes since then are missing",
                    "find out what dropped it; then drop this one (\(drop)) or set advanced.slotName to another name, and \(anew)"
                )
            }
            if let other = recorded.first {
                return fault(
                    message,
                    "set advanced.slotName and database back: the checkpoint was made with slot \"\(other.slot)\" of database "
                        + "\"\(other.database)\"")
            }
            return fault(message, "set advanced.slotName to another name")
        }
        guard plugin == "pgoutput" else {
            return taken(plugin.map { "its plugin is \($0), not pgoutput" } ?? "it is a physical slot")
        }
        guard database == config.connection.database else {
            return taken("it belongs to database \"\(database ?? "")\", and a slot is one capture's of one database")
        }
        guard !isTwoPhase else {
            let alter =
                "(17 and later can alter it: ALTER_REPLICATION_SLOT \(Identifier(config.slot)) (TWO_PHASE false), on a replication "
                + "connection)"
            return fault(
                "it was made with two_phase: transactions come as they are prepared, before anybody knows whether they are committed",
                wasRead
                    ? "if it was altered, alter it back \(alter); if it was made anew, changes since the checkpoint are missing: drop "
                        + "it (\(drop)), and \(anew)"
                    : "drop it, and it is made anew as it should be: \(drop) \(alter)")
        }
        guard isLost else { return nil }
        return fault(
            "the server has removed log that the slot still needed (wal_status is lost): changes are missing",
            "drop it with \(drop) then \(anew)")
    }
}

import Connectors
import Postgres

/// Makes the replication slot, or proves that the one that is there goes on where the checkpoints end.
struct SlotSetup {
    let connection: Connection
    let config: PostgresCaptureConfig
    let server: SourceServer

    struct Result {
        var identity: LogIdentity
        /// Where a link without checkpoint begins.
        var position: LogPosition
        var wasCreated: Bool
        var provisioned: [String] = []
    }

    func prepare(_ checkpoints: [LinkCheckpoint?]) throws -> Result {
        let replication = try Connection(replicationConnectionTo: config.connection)
        defer { replication.close() }
        let system = try replication.query("IDENTIFY_SYSTEM")
        let identity = LogIdentity(
            system: system[0, 0] ?? "", timeline: system[0, 1].flatMap { Int($0) } ?? 0, slot: config.slot,
            database: config.connection.database)
        for checkpoint in checkpoints.compactMap({ $0 }) { try requireSameLog(checkpoint, identity) }

        guard let slot = try ReplicationSlot.find(config.slot, on: connection) else {
            guard checkpoints.allSatisfy({ $0 == nil }) else { throw missing }
            return try create(identity, on: replication)
        }
        try require(slot, checkpoints)
        let position = checkpoints.compactMap { $0?.position }.min() ?? slot.confirmed
        return Result(identity: identity, position: position, wasCreated: false)
    }

    /// The new slot's exported snapshot says exactly what is committed where its log begins.
    private func create(_ identity: LogIdentity, on replication: Connection) throws -> Result {
        let made = try replication.query(
            "CREATE_REPLICATION_SLOT \(Identifier(config.slot)) LOGICAL pgoutput EXPORT_SNAPSHOT")
        guard let position = made[0, 1].flatMap({ LogPosition($0) }), let exported = made[0, 2] else {
            throw RunError(
                .internal, operation: "create", object: "slot \"\(config.slot)\"",
                message: "the server's answer was not understood")
        }
        try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try connection.execute("SET TRANSACTION SNAPSHOT \(literal: exported)")
        let rows = try connection.query("SELECT pg_current_snapshot()::text")
        try connection.execute("COMMIT")
        var identity = identity
        identity.base = rows[0, 0].flatMap(Snapshot.init)
        return Result(
            identity: identity, position: position, wasCreated: true,
            provisioned: ["replication slot \(Identifier(config.slot)) at \(position)"])
    }

    // MARK: - What must hold

    private func requireSameLog(_ checkpoint: LinkCheckpoint, _ identity: LogIdentity) throws {
        guard let recorded = LogIdentity(text: checkpoint.captureState) else { return }
        guard recorded.system == identity.system else {
            throw RunError(
                .needsOperator, operation: "resume from", object: "the source server",
                message:
                    "the checkpoint belongs to the database cluster \(recorded.system), and this is \(identity.system)",
                hint:
                    "name the cluster in the capture's address that was captured so far, or remove the link's rows from "
                    + "flow.checkpoints and flow.bindings and empty its tables to begin anew",
                position: checkpoint.position)
        }
        guard recorded.timeline == identity.timeline else {
            throw RunError(
                .needsOperator, operation: "resume from", object: "the source server",
                message: "it is on timeline \(identity.timeline) and the checkpoint was made on timeline "
                    + "\(recorded.timeline): the server was promoted or restored, and changes in between can be missing",
                hint:
                    "compare both sides; then remove the link's rows from flow.checkpoints and flow.bindings and empty its "
                    + "tables to begin anew",
                position: checkpoint.position)
        }
        guard recorded.slot == identity.slot, recorded.database == identity.database else {
            throw RunError(
                .needsOperator, operation: "resume with", object: "slot \"\(identity.slot)\"",
                message: "the checkpoint was made with slot \"\(recorded.slot)\" of database \"\(recorded.database)\"",
                hint: "set advanced.slotName and database back", position: checkpoint.position)
        }
    }

    private func require(_ slot: ReplicationSlot, _ checkpoints: [LinkCheckpoint?]) throws {
        let object = "slot \"\(config.slot)\""
        guard slot.plugin == "pgoutput" else {
            throw RunError(
                .needsOperator, operation: "use", object: object,
                message: slot.plugin.map { "its plugin is \($0), not pgoutput" } ?? "it is a physical slot",
                hint: "set advanced.slotName to another name")
        }
        guard slot.database == config.connection.database else {
            throw RunError(
                .needsOperator, operation: "use", object: object,
                message: "it belongs to database \"\(slot.database ?? "")\"",
                hint: "set advanced.slotName to another name; slots are one to a capture")
        }
        if slot.isLost {
            throw RunError(
                .needsOperator, operation: "use", object: object,
                message:
                    "the server has removed log that the slot still needed (wal_status is lost): changes are missing",
                hint:
                    "drop it with SELECT pg_drop_replication_slot('\(config.slot)'); then remove the links' rows from "
                    + "flow.checkpoints and flow.bindings and empty their tables to begin anew")
        }
        for checkpoint in checkpoints.compactMap({ $0 }) where slot.confirmed > checkpoint.position {
            throw RunError(
                .needsOperator, operation: "resume with", object: object,
                message:
                    "it stands at \(slot.confirmed), after the checkpoint: something else has read from it, and changes "
                    + "in between are missing",
                hint:
                    "let nothing else use the slot; remove the link's rows from flow.checkpoints and flow.bindings and "
                    + "empty its tables to begin anew",
                position: checkpoint.position)
        }
    }

    private var missing: RunError {
        RunError(
            .needsOperator, operation: "resume with", object: "slot \"\(config.slot)\"",
            message: "there is no such replication slot any more: changes since the checkpoint are missing",
            hint:
                "find out what dropped it; to begin anew, remove the links' rows from flow.checkpoints and flow.bindings "
                + "and empty their tables")
    }
}

/// A row of pg_replication_slots.
struct ReplicationSlot {
    var plugin: String?
    var database: String?
    var activePID: Int?
    var restart: LogPosition?
    var confirmed: LogPosition
    var walStatus: String?

    var isLost: Bool { walStatus == "lost" }

    static func find(_ name: String, on connection: Connection) throws -> ReplicationSlot? {
        let rows = try connection.query(
            """
            SELECT plugin, database, active_pid, restart_lsn, confirmed_flush_lsn, to_jsonb(s) ->> 'wal_status'
              FROM pg_replication_slots s WHERE slot_name = \(literal: name)
            """)
        guard rows.count == 1 else { return nil }
        return ReplicationSlot(
            plugin: rows[0, 0], database: rows[0, 1], activePID: rows[0, 2].flatMap { Int($0) },
            restart: rows[0, 3].flatMap { LogPosition($0) },
            confirmed: rows[0, 4].flatMap { LogPosition($0) } ?? .zero, walStatus: rows[0, 5])
    }
}

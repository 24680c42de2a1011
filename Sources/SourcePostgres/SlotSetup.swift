import Connectors
import Postgres

/// Makes the replication slot, or proves that the one that is there goes on where the checkpoints end.
struct SlotSetup {
    /// Seconds that a slot may be in use by another before that is an error: by a stranger, and by a flowctl. Whoever starts
    /// has fenced off the older runner of its catalog, which lets go when it hears of it; where it is stalled, the server
    /// lets go of it (`wal_sender_timeout`, 60 s).
    private static let longestWait = (stranger: 5, runner: 150)

    let connection: Connection
    let config: PostgresCaptureConfig
    let server: SourceServer
    let provisioning: Provisioning
    /// Nobody needs what the log has so far (see `EarlySlot`).
    var passesOver = false

    struct Result {
        var identity: LogIdentity
        /// Where a link without checkpoint begins.
        var position: LogPosition
        var wasCreated: Bool
        var provisioned: [String] = []
        /// Parallel to the checkpoints: why the log can't go on there.
        var refusals: [RunError?]
        /// The source's clock as the slot was about to be made, microseconds since 2000-01-01 UTC.
        var time: Int64?
    }

    /// Throws where no checkpoint can go on.
    func prepare(_ checkpoints: [LinkCheckpoint?], _ wait: SourceWait) throws -> Result {
        guard !provisioning.isPlan || mayReplicate else { return try planWithoutLog(checkpoints) }
        let replication = try Connection(replicationConnectionTo: config.connection)
        defer { replication.close() }
        let system = try replication.query("IDENTIFY_SYSTEM")
        var identity = LogIdentity(
            system: system[0, 0] ?? "", timeline: system[0, 1].flatMap { Int($0) } ?? 0, slot: config.slot,
            database: config.connection.database, publication: config.publication)
        let end = try server.endOfLog(connection)
        func find() throws -> (ReplicationSlot?, Resumption, [RunError?]) {
            let slot =
                provisioning.isPlan ? try ReplicationSlot.find(config.slot, on: connection) : try findWhole(wait)
            if let slot, !slot.isBeingMade,
                let fault = slot.fault(config, checkpoints.compactMap { $0 }, isStandby: server.isStandby)
            {
                throw fault
            }
            let resumption = Resumption(config: config, identity: identity, slot: slot)
            let refusals = try checkpoints.map { checkpoint -> RunError? in
                try checkpoint.flatMap { try resumption.refusal(of: $0, endOfLog: end, isStandby: server.isStandby) }
            }
            try SlotSetup.requireOne(refusals)
            return (slot, resumption, refusals)
        }
        var (slot, resumption, refusals) = try find()
        if !provisioning.isPlan, slot != nil {
            try waitUntilFree(wait)
            // Whoever has let go of it can have acknowledged more since it was looked at.
            (slot, resumption, refusals) = try find()
        }
        guard var slot else {
            var result = try create(identity, on: replication, wait)
            result.refusals = refusals
            return result
        }
        var provisioned: [String] = []
        let early = EarlySlot(config: config, connection: connection)
        if passesOver, try early.isOlderThanPublication() {
            if provisioning.isPlan {
                try provisioning.take(early.change)
            } else {
                slot.confirmed = try early.passOver(server, wait)
                provisioned.append("replication slot \(Identifier(config.slot)): moved on to \(slot.confirmed)")
            }
        }
        if !provisioning.isPlan {
            let hasRead = try resumption.compare(checkpoints, &refusals, on: replication, stop: wait.stop)
            try SlotSetup.requireOne(refusals)
            if hasRead {
                replication.close()
                try waitUntilFree(wait)
            }
        }
        let accepted = zip(checkpoints, refusals).compactMap { $1 == nil ? $0 : nil }
        let first = accepted.min { $0.position < $1.position }
        // A link that begins beside others has in its log what they have.
        if let recorded = first.flatMap({ LogIdentity(text: $0.captureState) }) {
            (identity.last, identity.keepsLast) = (recorded.last, recorded.keepsLast)
        }
        return Result(
            identity: identity, position: first?.position ?? slot.confirmed, wasCreated: false,
            provisioned: try provisioned + keepOverFailover(slot), refusals: refusals)
    }

    /// Whether the log can be asked for at all; where not, a check has said so.
    private var mayReplicate: Bool {
        guard let replication = try? Connection(replicationConnectionTo: config.connection) else { return false }
        replication.close()
        return true
    }

    /// A plan for a user who may not read the log yet.
    private func planWithoutLog(_ checkpoints: [LinkCheckpoint?]) throws -> Result {
        if try ReplicationSlot.find(config.slot, on: connection) == nil { try provisioning.take(creation) }
        let identity = LogIdentity(
            system: "", timeline: 0, slot: config.slot, database: config.connection.database,
            publication: config.publication)
        return Result(
            identity: identity, position: try server.endOfLog(connection), wasCreated: true,
            refusals: checkpoints.map { _ in nil })
    }

    /// Throws where every checkpoint is refused.
    private static func requireOne(_ refusals: [RunError?]) throws {
        if let refusal = refusals.last ?? nil, !refusals.contains(where: { $0 == nil }) { throw refusal }
    }

    /// The slot as it is when nobody is making it any more. One that is being made has no position yet, and is gone when its
    /// maker is: a runner that was killed goes on making it at the server until the transactions have ended that it waits
    /// for.
    private func findWhole(_ wait: SourceWait) throws -> ReplicationSlot? {
        var second = 0
        while let slot = try ReplicationSlot.find(config.slot, on: connection) {
            guard slot.isBeingMade else { return slot }
            try wait.check(second: second) {
                guard let maker = slot.activePID else { return nil }
                return
                    "slot \"\(config.slot)\" is being made by the server's process \(maker), which waits for the end of "
                    + (try wait.blockers(of: maker, connection))
            }
            _ = wait.stop.wait(milliseconds: 1000)
            second += 1
        }
        return nil
    }

    /// A runner that was killed, or is being fenced off, may hold the slot for a moment more.
    private func waitUntilFree(_ wait: SourceWait) throws {
        var fifth = 0
        while let holder = try ReplicationSlot.find(config.slot, on: connection)?.activePID {
            let (isRunner, who) = try reader(holder)
            if fifth % 5 == 0 || wait.stop.isRequested {
                try wait.check(second: fifth / 5) {
                    "slot \"\(config.slot)\" is still read by the server's process \(holder)\(who): waits until it lets go"
                }
            }
            guard fifth < 5 * (isRunner ? SlotSetup.longestWait.runner : SlotSetup.longestWait.stranger) else {
                throw RunError(
                    .needsOperator, operation: "use", object: "slot \"\(config.slot)\"",
                    message: "the server's process \(holder)\(who) reads from it",
                    hint: "stop that reader, or give this capture an advanced.slotName of its own", sqlState: "55006")
            }
            _ = wait.stop.wait(milliseconds: 200)
            fifth += 1
        }
    }

    /// Whether a reader is a flowctl, and who it is, in words.
    private func reader(_ process: Int) throws -> (isRunner: Bool, who: String) {
        let rows = try connection.query(
            """
            SELECT application_name, usename, COALESCE(host(client_addr), 'a local socket')
              FROM pg_stat_activity WHERE pid = \(raw: String(process))
            """)
        guard rows.count == 1 else { return (false, "") }
        return (
            rows[0, 0] == config.connection.applicationName,
            " (\(rows[0, 0] ?? "") as \(rows[0, 1] ?? "") from \(rows[0, 2] ?? ""))"
        )
    }

    /// The new slot's exported snapshot says exactly what is committed where its log begins.
    private func create(
        _ identity: LogIdentity, on replication: Connection, _ wait: SourceWait
    ) throws -> Result {
        var second = 0
        let clock = try connection.query(
            "SELECT trunc(extract(epoch FROM clock_timestamp() - '2000-01-01 00:00:00+00') * 1000000)::bigint")
        guard !provisioning.isPlan else {
            try provisioning.take(creation)
            return Result(
                identity: identity, position: try server.endOfLog(connection), wasCreated: true, refusals: [])
        }
        let made = try replication.query("\(raw: creation.sql)") {
            second += 1
            try wait.check(second: second) {
                if server.isStandby {
                    return "slot \"\(config.slot)\" can be made when the primary has logged which transactions are "
                        + "running; on the primary: SELECT pg_log_standby_snapshot();"
                }
                return "slot \"\(config.slot)\" can be made when the transactions have ended that are open now: "
                    + (try wait.blockers(of: replication.backendPID, connection))
            }
        }
        guard let position = made[0, 1].flatMap({ LogPosition($0) }), let exported = made[0, 2] else {
            throw RunError(
                .internal, operation: "create", object: "slot \"\(config.slot)\"",
                message: "the server's answer was not understood")
        }
        var identity = identity
        do {
            identity.base = try read(snapshot: exported)
        } catch {
            _ = try? replication.query("DROP_REPLICATION_SLOT \(Identifier(config.slot))")
            throw error
        }
        return Result(
            identity: identity, position: position, wasCreated: true,
            provisioned: ["replication slot \(Identifier(config.slot)) at \(position)"], refusals: [],
            time: clock[0, 0].flatMap { Int64($0) })
    }

    /// A command of the replication protocol (manual, "Streaming Replication Protocol").
    private var creation: PlannedChange {
        let options = config.isFailover ? "(SNAPSHOT 'export', FAILOVER true)" : "EXPORT_SNAPSHOT"
        return PlannedChange(
            .create, "replication slot \(Identifier(config.slot))",
            sql: "CREATE_REPLICATION_SLOT \(Identifier(config.slot)) LOGICAL pgoutput \(options)",
            remark: "made when the transactions that are open then have ended; the source keeps its log from there on")
    }

    private func read(snapshot: String) throws -> Snapshot? {
        try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try connection.execute("SET TRANSACTION SNAPSHOT \(literal: snapshot)")
        let rows = try connection.query("SELECT pg_current_snapshot()::text")
        try connection.execute("COMMIT")
        return rows[0, 0].flatMap(Snapshot.init)
    }

    /// Has standbys take over a slot that was made without that (17 and later).
    private func keepOverFailover(_ slot: ReplicationSlot) throws -> [String] {
        guard config.isFailover, !slot.isFailover else { return [] }
        let change = PlannedChange(
            .change, "replication slot \(Identifier(config.slot))",
            sql: "ALTER_REPLICATION_SLOT \(Identifier(config.slot)) (FAILOVER true)",
            remark: "standbys take it over as they are promoted")
        guard !provisioning.isPlan else {
            try provisioning.take(change)
            return []
        }
        let replication = try Connection(replicationConnectionTo: config.connection)
        defer { replication.close() }
        try replication.execute("\(raw: change.sql)")
        return ["replication slot \(Identifier(config.slot)): standbys take it over"]
    }
}

/// A row of pg_replication_slots.
struct ReplicationSlot {
    var plugin: String?
    var database: String?
    var activePID: Int?
    var restart: LogPosition?
    var confirmed: LogPosition
    var hasPosition: Bool
    var walStatus: String?
    /// Standbys take it over as they are promoted (17 and later).
    var isFailover: Bool
    /// It is a primary's, as a standby keeps it for that.
    var isSynced: Bool
    /// Transactions come as they are prepared (15 and later).
    var isTwoPhase: Bool

    var isLost: Bool { walStatus == "lost" }
    /// A logical slot gets its position when it is whole.
    var isBeingMade: Bool { plugin != nil && !hasPosition }

    static func find(_ name: String, on connection: Connection) throws -> ReplicationSlot? {
        let rows = try connection.query(
            """
            SELECT plugin, database, active_pid, restart_lsn, confirmed_flush_lsn, to_jsonb(s) ->> 'wal_status',
                   to_jsonb(s) ->> 'failover', to_jsonb(s) ->> 'synced', to_jsonb(s) ->> 'two_phase'
              FROM pg_replication_slots s WHERE slot_name = \(literal: name)
            """)
        guard rows.count == 1 else { return nil }
        return ReplicationSlot(
            plugin: rows[0, 0], database: rows[0, 1], activePID: rows[0, 2].flatMap { Int($0) },
            restart: rows[0, 3].flatMap { LogPosition($0) },
            confirmed: rows[0, 4].flatMap { LogPosition($0) } ?? .zero, hasPosition: rows[0, 4] != nil,
            walStatus: rows[0, 5], isFailover: rows[0, 6] == "true", isSynced: rows[0, 7] == "true",
            isTwoPhase: rows[0, 8] == "true")
    }
}

import Connectors
import Postgres

/// Whether the slot, where there is one, goes on where the destinations are: by the same words as a run that begins there.
struct SlotCheck {
    let checking: SourceChecking
    /// Whether all rows of all tables are read as a link begins.
    let readsAll: Bool

    private var object: String { "slot \"\(checking.config.slot)\"" }

    /// Moves and acknowledges nothing. What the slot shows is read only where nobody else reads it.
    func run(_ checkpoints: [LinkCheckpoint?]) throws {
        let slot = try ReplicationSlot.find(checking.config.slot, on: checking.connection)
        let known = checkpoints.compactMap { $0 }
        if let slot, !slot.isBeingMade,
            let fault = slot.fault(checking.config, known, isStandby: checking.server.isStandby)
        {
            return report(fault)
        }
        // The checkpoints move on while its own runner reads: it has proven what it goes on from.
        if let process = slot?.activePID { return try reportReader(process) }
        guard !known.isEmpty else {
            // What the step makes of an error is a finding.
            if !readsAll { try EarlySlot(config: checking.config, connection: checking.connection).refuseGap() }
            return
        }
        let replication = try? Connection(replicationConnectionTo: checking.config.connection)
        defer { replication?.close() }
        do {
            try compare(known, slot, replication)
        } catch let error as RunError where error.isPassing {
            // A standby that has yet to replay what the destinations have.
            checking.add(.advice, error.object ?? object, error.message, error.hint.map { .step($0) })
        }
    }

    private func compare(
        _ known: [LinkCheckpoint], _ slot: ReplicationSlot?, _ replication: Connection?
    ) throws {
        let system = try replication?.query("IDENTIFY_SYSTEM")
        let identity = LogIdentity(
            system: system?[0, 0] ?? "", timeline: system?[0, 1].flatMap { Int($0) } ?? 0, slot: checking.config.slot,
            database: checking.config.connection.database, publication: checking.config.publication)
        let resumption = Resumption(config: checking.config, identity: identity, slot: slot)
        let end = try checking.server.endOfLog(checking.connection)
        var refusals = try known.map { checkpoint in
            var checkpoint = checkpoint
            // Who may not read the log is not told which one it is.
            if replication == nil { checkpoint.captureState = "" }
            return try resumption.refusal(of: checkpoint, endOfLog: end, isStandby: checking.server.isStandby)
        }
        if let replication {
            do {
                _ = try resumption.compare(known, &refusals, on: replication, stop: StopSignal())
            } catch let error as PostgresError where error.sqlState == "55006" {
                // A runner has just begun.
            }
        }
        for refusal in refusals { refusal.map(report) }
    }

    private func report(_ fault: RunError) {
        checking.add(.unmet, fault.object ?? object, fault.message, fault.hint.map { .step($0) })
    }

    /// A runner of this very pipeline is no fault.
    private func reportReader(_ process: Int) throws {
        let rows = try checking.connection.query(
            """
            SELECT application_name, usename = current_user FROM pg_stat_activity WHERE pid = \(process)
            """)
        guard rows.count > 0 else { return }
        let isOwn = rows[0, 0] == "flowctl" && rows[0, 1] == "t"
        checking.add(
            isOwn ? .advice : .unmet, object,
            "process \(process) of the server reads from it" + (isOwn ? ": flowctl is running" : ""),
            isOwn ? nil : .step("stop that reader, or set advanced.slotName to a name of this capture's own"))
    }
}

import Connectors
import Postgres

/// Whether the log goes on where checkpoints say: that it is the same log, that the slot still has what follows, and that what
/// led there is what the destinations hold.
///
/// A server that is the same by its identifier can have another past: it was restored from a backup that is older than the
/// checkpoint, or is a standby that was behind as it was promoted. Going on by numbers alone would leave out what happened
/// between there and the checkpoint, in silence.
struct Resumption {
    let config: PostgresCaptureConfig
    /// The log that the server has now.
    let identity: LogIdentity
    /// Nil where there is none.
    let slot: ReplicationSlot?

    private static let anew =
        "remove the link's rows from flow.checkpoints and flow.bindings and empty its tables to begin anew"

    /// What the server's own numbers say against a checkpoint; nil for nothing. Throws `transient` for a standby that has yet to
    /// replay what the checkpoint has.
    func refusal(of checkpoint: LinkCheckpoint, endOfLog: LogPosition, isStandby: Bool) throws -> RunError? {
        if let recorded = LogIdentity(text: checkpoint.captureState), let refusal = otherLog(recorded, checkpoint) {
            return refusal
        }
        if endOfLog < checkpoint.position {
            guard !isStandby else {
                throw RunError(
                    .transient, operation: "resume from", object: "the source server",
                    message: "it is a standby that has replayed its log up to \(endOfLog) only, and the checkpoint is "
                        + "further",
                    position: checkpoint.position)
            }
            return RunError(
                .needsOperator, operation: "resume from", object: "the source server",
                message:
                    "its log ends at \(endOfLog), before the checkpoint: it was restored from an older backup, or is "
                    + "a standby that was behind as it was promoted, and the destination has changes that it lacks",
                hint: "compare both sides; then \(Self.anew)", position: checkpoint.position
            ).needingBeginning
        }
        guard let slot else { return missing(LogIdentity(text: checkpoint.captureState)) }
        guard slot.confirmed <= checkpoint.position else {
            return RunError(
                .needsOperator, operation: "resume with", object: "slot \"\(config.slot)\"",
                message: "it stands at \(slot.confirmed), after the checkpoint: something else has read from it, or it "
                    + "was made anew, or the destination was restored from an older backup; changes in between are missing",
                hint:
                    "let nothing else use the slot; a backup of the destination from after that place goes on by itself; else "
                    + Self.anew,
                position: checkpoint.position
            ).needingBeginning
        }
        return nil
    }

    /// Reads the slot from where it stands up to the checkpoints that it is behind of, and refuses those that another history
    /// leads to. Whether it had to read.
    func compare(
        _ checkpoints: [LinkCheckpoint?], _ refusals: inout [RunError?], on replication: Connection, stop: StopSignal
    ) throws -> Bool {
        guard let slot else { return false }
        var ahead: [(index: Int, position: LogPosition, recorded: LogIdentity)] = []
        for (index, checkpoint) in checkpoints.enumerated() where refusals[index] == nil {
            guard let checkpoint, checkpoint.position > slot.confirmed,
                let recorded = LogIdentity(text: checkpoint.captureState)
            else { continue }
            if recorded.keepsLast, recorded.publication == config.publication {
                ahead.append((index, checkpoint.position, recorded))
            } else if recorded.timeline != identity.timeline {
                refusals[index] = otherHistory(recorded, checkpoint.position)
            }
        }
        guard !ahead.isEmpty else { return false }
        let history = try LogHistory(
            of: config, from: slot.confirmed, upTo: ahead.map(\.position), on: replication, stop: stop)
        guard !stop.isRequested else { return true }
        for (index, position, recorded) in ahead where !history.leads(to: position, last: recorded.last) {
            refusals[index] = otherHistory(recorded, position)
        }
        return true
    }

    // MARK: - What is said

    private func otherLog(_ recorded: LogIdentity, _ checkpoint: LinkCheckpoint) -> RunError? {
        guard recorded.system == identity.system else {
            return RunError(
                .needsOperator, operation: "resume from", object: "the source server",
                message:
                    "the checkpoint belongs to the database cluster \(recorded.system), and this is \(identity.system)",
                hint: "name the cluster in the capture's address that was captured so far, or \(Self.anew)",
                position: checkpoint.position
            ).needingBeginning
        }
        guard recorded.slot == identity.slot, recorded.database == identity.database else {
            return RunError(
                .needsOperator, operation: "resume with", object: "slot \"\(identity.slot)\"",
                message: "the checkpoint was made with slot \"\(recorded.slot)\" of database \"\(recorded.database)\"",
                hint: "set advanced.slotName and database back", position: checkpoint.position)
        }
        return nil
    }

    private func otherHistory(_ recorded: LogIdentity, _ position: LogPosition) -> RunError {
        let how =
            recorded.timeline == identity.timeline
            ? "it was restored from an older backup"
            : "it is on timeline \(identity.timeline), and the checkpoint was made on timeline \(recorded.timeline): it "
                + "was promoted or restored"
        return RunError(
            .needsOperator, operation: "resume from", object: "the source server",
            message: "its log has another past than the checkpoint: \(how), and changes on either side are missing "
                + "on the other",
            hint: "compare both sides; then \(Self.anew)", position: position
        ).needingBeginning
    }

    private func missing(_ recorded: LogIdentity?) -> RunError {
        let isOther = recorded.map { $0.timeline != identity.timeline } ?? false
        return RunError(
            .needsOperator, operation: "resume with", object: "slot \"\(config.slot)\"",
            message: "there is no such replication slot any more: changes since the checkpoint are missing",
            hint: (isOther
                ? "the server was promoted or restored: only a failover slot (17 and later) outlives that; "
                : "find out what dropped it; ")
                + "to begin anew, remove the links' rows from flow.checkpoints and flow.bindings "
                + "and empty their tables"
        ).needingBeginning
    }
}

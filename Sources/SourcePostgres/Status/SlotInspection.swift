import Connectors
import Postgres

/// What the source shows of a capture's slot and of its own log, read in one statement.
struct SlotInspection {
    let config: PostgresCaptureConfig

    struct Facts {
        /// Where the log ends, and the server's clock then (microseconds since 2000-01-01 UTC).
        var position: LogPosition
        var time: Int64
        /// Nil where there is none.
        var slot: ReplicationSlot?
        /// `max_slot_wal_keep_size` where it limits the log that slots keep.
        var limit: String?
        /// Why the server has given the slot up, in its own words (17 and later).
        var invalidation: String?
        /// Bytes that the log may still grow by before the slot is given up; nil where nothing limits it.
        var bytesLeft: Int64?
        /// What the runner that is up reports as written; nil where there is none, or the role may not know.
        var handled: LogPosition?
    }

    func read(_ connection: Connection) throws -> Facts {
        let rows = try connection.query(
            """
            SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END,
                   trunc(extract(epoch FROM clock_timestamp() - '2000-01-01 00:00:00+00') * 1000000)::bigint,
                   (SELECT setting || coalesce(unit, '') FROM pg_settings
                     WHERE name = 'max_slot_wal_keep_size' AND setting <> '-1'),
                   (SELECT to_jsonb(s) ->> 'invalidation_reason' FROM pg_replication_slots s
                     WHERE slot_name = \(literal: config.slot)),
                   (SELECT to_jsonb(s) ->> 'safe_wal_size' FROM pg_replication_slots s
                     WHERE slot_name = \(literal: config.slot)),
                   (SELECT r.write_lsn FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid
                     WHERE s.slot_name = \(literal: config.slot))
            """)
        return Facts(
            position: WALPage.endOfLastRecord(rows[0, 0].flatMap { LogPosition($0) } ?? .zero),
            time: rows[0, 1].flatMap { Int64($0) } ?? 0,
            slot: try ReplicationSlot.find(config.slot, on: connection), limit: rows[0, 2], invalidation: rows[0, 3],
            bytesLeft: rows[0, 4].flatMap { Int64($0) }, handled: rows[0, 5].flatMap { LogPosition($0) })
    }
}

extension SlotInspection.Facts {
    /// The facts as the contract has them, with what they mean for the capture.
    func status(_ config: PostgresCaptureConfig) -> CaptureStatus {
        guard let slot else {
            return CaptureStatus(
                position: position, time: time, slot: SlotStatus(name: config.slot, exists: false), earliest: nil,
                handled: nil,
                gap: StatusFinding(
                    isFatal: true,
                    message: "slot \"\(config.slot)\" is missing: changes since the checkpoint can't be read any more",
                    hint: "find out what dropped it; \(Self.beginAnew)"))
        }
        let retained = slot.restart.map { Int64(clamping: position.bytes(since: $0)) }
        return CaptureStatus(
            position: position, time: time,
            slot: SlotStatus(
                name: config.slot, exists: true, isActive: slot.activePID != nil, retainedBytes: retained,
                walStatus: slot.walStatus, bytesLeft: slot.isLost ? nil : bytesLeft.map { max(0, $0) }),
            earliest: slot.confirmed, handled: handled,
            gap: StatusFinding(
                isFatal: true,
                message:
                    "slot \"\(config.slot)\" stands at \(slot.confirmed), after the checkpoint: something else has "
                    + "read from it, or the destination was restored from an older backup; changes in between are missing",
                hint: "let nothing else use the slot; \(Self.beginAnew); flowctl plan has the statements"),
            findings: findings(slot, config))
    }

    private static let beginAnew =
        "to begin anew, remove the links' rows from flow.checkpoints and flow.bindings and empty their tables"

    private func findings(_ slot: ReplicationSlot, _ config: PostgresCaptureConfig) -> [StatusFinding] {
        let name = "slot \"\(config.slot)\""
        if slot.plugin != "pgoutput" || slot.database != config.connection.database {
            let whose = slot.plugin.map { "it is one of \($0) in database \"\(slot.database ?? "")\"" }
            return [
                StatusFinding(
                    isFatal: true, message: "\(name) is not this capture's: \(whose ?? "it is a physical slot")",
                    hint: "drop it or set advanced.slotName to another name; where a destination has read from one of "
                        + "this name, that one's log is gone: \(Self.beginAnew)")
            ]
        }
        if slot.isLost {
            return [
                StatusFinding(
                    isFatal: true,
                    message: "\(name) is lost (\(invalidation ?? "the server has removed log that it still needed")): "
                        + "changes are missing",
                    hint: "SELECT pg_drop_replication_slot(\(SQL.literal(config.slot))); \(Self.beginAnew)")
            ]
        }
        if slot.walStatus == "unreserved" {
            return [
                StatusFinding(
                    isFatal: false,
                    message:
                        "\(name) is about to be lost: the server's next checkpoint may remove log that it needs",
                    hint: "start flowctl apply now, or raise max_slot_wal_keep_size (it is \(limit ?? "unlimited"))")
            ]
        }
        return []
    }
}

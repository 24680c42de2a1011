import Connectors
import Postgres

/// Says when a slot comes near the place where the server gives it up (`max_slot_wal_keep_size`), while there is still time.
struct SlotWatch {
    /// What is left is worth a warning below this share of the limit, or below this time at the pace of the log.
    private static let share: Int64 = 4
    private static let enoughSeconds: Int64 = 1800
    /// Between two warnings, and the time over which the log's pace is measured, in milliseconds.
    private static let interval: Int64 = 60_000

    /// The server gives the slot up at its next checkpoint, or has done so.
    private(set) var isOverdue = false
    private var began: (time: Int64, position: LogPosition)?
    private var warned: Int64?

    /// What is to be said now; nil for nothing. `now` is in milliseconds and only grows.
    mutating func look(_ slot: String, on connection: Connection, now: Int64) throws -> StatusFinding? {
        let rows = try connection.query(
            """
            SELECT to_jsonb(s) ->> 'safe_wal_size',
                   (SELECT setting::int8 * 1048576 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'),
                   CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END,
                   to_jsonb(s) ->> 'wal_status' IN ('unreserved', 'lost')
              FROM pg_replication_slots s WHERE slot_name = \(literal: slot)
            """)
        isOverdue = rows[0, 3] == "t"
        guard rows.count == 1, let left = rows[0, 0].flatMap({ Int64($0) }),
            let limit = rows[0, 1].flatMap({ Int64($0) }),
            let position = rows[0, 2].flatMap({ LogPosition($0) })
        else { return nil }
        return finding(slot, left: left, of: limit, position, now)
    }

    /// Bytes that the log may still grow by, of those that the server keeps for a slot at most.
    mutating func finding(
        _ slot: String, left: Int64, of limit: Int64, _ position: LogPosition, _ now: Int64
    ) -> StatusFinding? {
        let since = began ?? (now, position)
        let seconds = (now - since.time) / 1000
        let grown = Int64(clamping: position.bytes(since: since.position))
        if began == nil || now - since.time >= SlotWatch.interval { began = (now, position) }
        var time: Int64?
        if seconds > 0, grown > 0 {
            time = Int64(min(Double(max(0, left)) / Double(grown) * Double(seconds), 1e15))
        }
        guard left < limit / SlotWatch.share || time.map({ $0 < SlotWatch.enoughSeconds }) == true else {
            warned = nil
            return nil
        }
        guard warned.map({ now - $0 >= SlotWatch.interval }) ?? true else { return nil }
        warned = now
        let pace = time.map { ": in about \(Quantity.seconds($0)), as fast as it grows now" } ?? ""
        let message =
            left > 0
            ? "slot \"\(slot)\" will be lost after \(Quantity.bytes(left)) more of log\(pace)"
            : "slot \"\(slot)\" is about to be lost: the server's next checkpoint may remove log that it needs"
        return StatusFinding(
            isFatal: false, message: message,
            hint: "see that every destination of this capture takes its changes, or raise max_slot_wal_keep_size (it "
                + "is \(limit / 1_048_576)MB)")
    }
}

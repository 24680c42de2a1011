import Connectors
import JSON
import Postgres

/// Which log a checkpoint's position belongs to, and what is still owed to exactness: a link's `captureState`, as JSON text
/// `{"system": "7301…", "timeline": 1, "slot": "flow_slot", "database": "shop", "publication": "flow_publication",
/// "last": "0/1A2B3C8:811:790000000000000", "base": "10:12:", "pending": ["811"]}`.
struct LogIdentity: Sendable {
    /// The cluster's identifier, from `IDENTIFY_SYSTEM`.
    var system: String
    var timeline: Int
    var slot: String
    var database: String
    var publication: String
    /// The last transaction before the position that the slot has shown of this publication: by it one history is told from
    /// another (see `LogHistory`). Nil where there was none yet.
    var last: LoggedTransaction?
    /// Whether `last` was kept at all.
    var keepsLast = true
    /// See `DeliveredTransactions`.
    var base: Snapshot?
    var pending: [UInt32] = []

    init(
        system: String, timeline: Int, slot: String, database: String, publication: String, base: Snapshot? = nil
    ) {
        self.system = system
        self.timeline = timeline
        self.slot = slot
        self.database = database
        self.publication = publication
        self.base = base
    }

    /// Nil where the text is not what `text` writes.
    init?(text: String) {
        guard let value = try? JSONValue(parsing: text), let system = value["system"]?.stringValue,
            let timeline = value["timeline"]?.intValue, let slot = value["slot"]?.stringValue,
            let database = value["database"]?.stringValue
        else { return nil }
        self.init(
            system: system, timeline: timeline, slot: slot, database: database,
            publication: value["publication"]?.stringValue ?? "",
            base: value["base"]?.stringValue.flatMap { Snapshot($0) })
        last = value["last"]?.stringValue.flatMap { LoggedTransaction($0) }
        keepsLast = value["last"]?.stringValue != nil
        pending = (value["pending"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap { UInt32($0) } }
    }

    var text: String {
        let state: JSONValue = [
            "system": .string(system), "timeline": .int(timeline), "slot": .string(slot),
            "database": .string(database), "publication": .string(publication),
            "last": keepsLast ? .string(last?.description ?? "") : .null,
            "base": base.map { .string($0.description) } ?? .null,
            "pending": .array(pending.map { .string(String($0)) }),
        ]
        return JSONWriter.write(state)
    }
}

/// A committed transaction as the log has it: in another history that place has something else.
struct LoggedTransaction: Sendable, Equatable, CustomStringConvertible {
    /// Of its commit record.
    var position: LogPosition
    var id: UInt32
    /// Of its commit: microseconds since 2000-01-01 UTC.
    var time: Int64

    init(position: LogPosition, id: UInt32, time: Int64) {
        self.position = position
        self.id = id
        self.time = time
    }

    /// Parses `0/1A2B3C8:811:790000000000000`; nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: ":")
        guard parts.count == 3, let position = LogPosition(String(parts[0])), let id = UInt32(parts[1]),
            let time = Int64(parts[2])
        else { return nil }
        self.init(position: position, id: id, time: time)
    }

    var description: String { "\(position):\(id):\(time)" }
}

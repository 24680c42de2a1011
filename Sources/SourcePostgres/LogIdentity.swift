import Connectors
import JSON
import Postgres

/// Which log a checkpoint's position belongs to, and what is still owed to exactness: a link's `captureState`, as JSON text
/// `{"system": "7301…", "timeline": 1, "slot": "flow_slot", "database": "shop", "base": "10:12:", "pending": ["811"]}`.
struct LogIdentity: Sendable {
    /// The cluster's identifier, from `IDENTIFY_SYSTEM`.
    var system: String
    var timeline: Int
    var slot: String
    var database: String
    /// See `DeliveredTransactions`.
    var base: Snapshot?
    var pending: [UInt32] = []

    init(system: String, timeline: Int, slot: String, database: String, base: Snapshot? = nil) {
        self.system = system
        self.timeline = timeline
        self.slot = slot
        self.database = database
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
            base: value["base"]?.stringValue.flatMap { Snapshot($0) })
        pending = (value["pending"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap { UInt32($0) } }
    }

    var text: String {
        let base: JSONValue = base.map { .string($0.description) } ?? .null
        let pending: JSONValue = .array(pending.map { .string(String($0)) })
        let state: JSONValue = [
            "system": .string(system), "timeline": .int(timeline), "slot": .string(slot),
            "database": .string(database), "base": base, "pending": pending,
        ]
        return JSONWriter.write(state)
    }
}

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
        guard let object = (try? JSONValue(parsing: text))?.object, let system = object["system"]?.string,
            let timeline = object["timeline"]?.string.flatMap({ Int($0) }), let slot = object["slot"]?.string,
            let database = object["database"]?.string
        else { return nil }
        self.init(
            system: system, timeline: timeline, slot: slot, database: database,
            base: object["base"]?.string.flatMap(Snapshot.init))
        pending = (object["pending"]?.array ?? []).compactMap { $0.string.flatMap { UInt32($0) } }
    }

    var text: String {
        JSONValue.object([
            ("system", .string(system)), ("timeline", .string(String(timeline))), ("slot", .string(slot)),
            ("database", .string(database)), ("base", base.map { .string($0.description) } ?? .null),
            ("pending", .array(pending.map { .string(String($0)) })),
        ]).compactText
    }
}

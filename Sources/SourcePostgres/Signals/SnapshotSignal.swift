import Connectors
import JSON

/// An `execute-snapshot` on one link: the link's tables that it has read again, and how far each is.
struct SnapshotSignal {
    /// One destination's table. A source's table that feeds two of the link's is read for each of them.
    struct Item {
        /// The source's table, `schema.table`.
        var table: String
        /// The destination's schema and table; nil where the link has no such table.
        var schema: String?
        var name: String?
        var state: SignalRecord.State
        var rows: Int64 = 0
        /// SQL that a row must satisfy to be read; nil for all.
        var condition: String?
        /// The column in whose order the table is to be read.
        var surrogateKey: String?
        var error: String?
        /// The link's binding; nil where there is none.
        var binding: Int?
        /// Whether its turn has come and it is not through.
        var isBegun = false
    }

    let place: String
    let id: String
    let isBlocking: Bool
    let position: LogPosition
    var items: [Item]

    /// The gravest that its items are.
    var state: SignalRecord.State {
        let states = Set(items.map(\.state))
        let order: [SignalRecord.State] = [.running, .paused, .queued, .failed, .stopped]
        return order.first(where: states.contains) ?? .done
    }

    var record: SignalRecord {
        var tables: [String] = []
        for item in items where !tables.containsName(item.table) { tables.append(item.table) }
        var errors: [String] = []
        for error in items.compactMap(\.error) where !errors.containsName(error) { errors.append(error) }
        return SignalRecord(
            place: place, id: id, type: "execute-snapshot", tables: tables, state: state,
            rows: items.reduce(0) { $0 + $1.rows }, error: errors.isEmpty ? nil : errors.joined(separator: "; "),
            details: details, position: position)
    }

    private var details: String {
        let items = items.map { item -> JSONValue in
            var object = JSONObject([("table", .string(item.table)), ("state", .string(item.state.rawValue))])
            func set(_ name: String, _ text: String?) {
                if let text { object[name] = .string(text) }
            }
            set("schema", item.schema)
            set("name", item.name)
            set("where", item.condition)
            set("key", item.surrogateKey)
            set("error", item.error)
            if item.isBegun { object["begun"] = .bool(true) }
            if item.rows > 0 { object["rows"] = .int(Int(item.rows)) }
            return .object(object)
        }
        return JSONWriter.write(["blocking": .bool(isBlocking), "items": .array(items)])
    }

    init(place: String, id: String, isBlocking: Bool, position: LogPosition, items: [Item]) {
        self.place = place
        self.id = id
        self.isBlocking = isBlocking
        self.position = position
        self.items = items
    }

    /// What a record says, for the bindings that the link has now; nil for a record of something else.
    init?(_ record: SignalRecord, bindings: [LinkBinding]) {
        guard record.type == "execute-snapshot", let value = try? JSONValue(parsing: record.details),
            let entries = value["items"]?.arrayValue
        else { return nil }
        let items = entries.compactMap { entry -> Item? in
            guard let table = entry["table"]?.stringValue,
                let state = entry["state"]?.stringValue.flatMap({ SignalRecord.State(rawValue: $0) })
            else { return nil }
            var item = Item(
                table: table, schema: entry["schema"]?.stringValue, name: entry["name"]?.stringValue, state: state)
            item.rows = entry["rows"]?.intValue.map { Int64($0) } ?? 0
            item.condition = entry["where"]?.stringValue
            item.surrogateKey = entry["key"]?.stringValue
            item.error = entry["error"]?.stringValue
            item.isBegun = entry["begun"]?.boolValue ?? false
            item.binding = bindings.firstIndex { binding in
                item.schema?.isSameName(as: binding.schema) == true && item.name?.isSameName(as: binding.name) == true
            }
            return item
        }
        self.init(
            place: record.place, id: record.id, isBlocking: value["blocking"]?.boolValue ?? false,
            position: record.position, items: items)
    }
}

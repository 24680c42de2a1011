import Connectors
import JSON

/// What a signal asks for, read from its type and data.
enum SignalRequest: Equatable {
    /// Reads tables again over what is there.
    case snapshot(Snapshot)
    /// Of the tables that one of the patterns matches; of all, without patterns.
    case stop([String])
    case pause([String])
    case resume([String])
    case log(String)
    /// Says why nothing can be done.
    case invalid(String)
    /// What other readers of such a table leave in it.
    case none

    struct Snapshot: Equatable {
        /// Anchored regular expressions over `schema.table`, or such names.
        var patterns: [String]
        var isBlocking = false
        /// By pattern, the first that matches a table counts.
        var conditions: [Condition] = []
        var surrogateKey: String?
    }

    struct Condition: Equatable {
        var pattern: String
        var filter: String
    }

    init(type: String, data: String?) {
        self = SignalRequest.read(type, data)
    }

    private static func read(_ type: String, _ data: String?) -> SignalRequest {
        switch type {
        case "snapshot-window-open", "snapshot-window-close": return .none
        case "execute-snapshot", "stop-snapshot", "pause-snapshot", "resume-snapshot", "log": break
        default:
            return .invalid(
                "type is none of execute-snapshot, stop-snapshot, pause-snapshot, resume-snapshot and log")
        }
        var value = JSONValue.object(JSONObject())
        if let data, !data.allSatisfy({ $0 == " " || $0 == "\n" || $0 == "\t" || $0 == "\r" }) {
            guard let parsed = try? JSONValue(parsing: data), parsed.objectValue != nil else {
                return .invalid("data is no JSON object")
            }
            value = parsed
        }
        if type == "log" {
            guard let message = value["message"]?.stringValue else { return .invalid("data has no text `message`") }
            return .log(message)
        }
        guard let patterns = patterns(value["data-collections"]) else {
            return .invalid("`data-collections` is no list of texts")
        }
        switch type {
        case "stop-snapshot": return .stop(patterns)
        case "pause-snapshot": return .pause(patterns)
        case "resume-snapshot": return .resume(patterns)
        default: return snapshot(value, patterns)
        }
    }

    private static func snapshot(_ value: JSONValue, _ patterns: [String]) -> SignalRequest {
        guard !patterns.isEmpty else { return .invalid("`data-collections` names no table") }
        var request = Snapshot(patterns: patterns)
        switch value["type"]?.stringValue?.lowercased() {
        case "incremental": break
        case "blocking": request.isBlocking = true
        case nil where value["type"] ?? .null == .null: break
        default: return .invalid("`type` is neither INCREMENTAL nor BLOCKING")
        }
        if let filter = text(value["additional-condition"]) {
            request.conditions = [Condition(pattern: ".*", filter: filter)]
        }
        if let list = value["additional-conditions"], list != .null {
            guard let entries = list.arrayValue else { return .invalid("`additional-conditions` is no list") }
            for entry in entries {
                guard let pattern = text(entry["data-collection"]), let filter = text(entry["filter"]) else {
                    return .invalid("an entry of `additional-conditions` lacks `data-collection` or `filter`")
                }
                request.conditions.append(Condition(pattern: pattern, filter: filter))
            }
        }
        if let problem = request.conditions.compactMap({ ConditionText.problem($0.filter) }).first {
            return .invalid(problem)
        }
        if request.isBlocking, !request.conditions.isEmpty {
            return .invalid("a BLOCKING snapshot reads whole tables: send a condition with an INCREMENTAL one")
        }
        if let key = value["surrogate-key"], key != .null {
            guard let name = text(key) else { return .invalid("`surrogate-key` is no column's name") }
            request.surrogateKey = name
        }
        return .snapshot(request)
    }

    /// Nil for what is no list of texts; empty where there is none.
    private static func patterns(_ value: JSONValue?) -> [String]? {
        guard let value, value != .null else { return [] }
        guard let entries = value.arrayValue else { return nil }
        var patterns: [String] = []
        for entry in entries {
            guard let pattern = text(entry) else { return nil }
            if !patterns.containsName(pattern) { patterns.append(pattern) }
        }
        return patterns
    }

    /// Without blanks around it; nil for what is empty or no text.
    private static func text(_ value: JSONValue?) -> String? {
        guard var text = value?.stringValue.map({ Substring($0) }) else { return nil }
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text.isEmpty ? nil : String(text)
    }
}

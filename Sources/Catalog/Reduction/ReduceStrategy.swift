import Diagnostics
import JSON

/// How two values of a location become one: the annotation `reduce` of a schema.
enum ReduceStrategy: Sendable, Hashable {
    /// The left value stays.
    case firstWriteWins
    /// The right value replaces the left. `delete` marks the location as deleted; what is not associative is put
    /// together only where all of a document's history is at hand.
    case lastWriteWins(associative: Bool, delete: Bool)
    /// The right array's items follow the left's.
    case append
    /// Objects by member, arrays by index, or by key where they are sorted by it.
    case merge(key: [JSONPointer], delete: Bool)
    /// The smaller value, by key where one is given.
    case minimize(key: [JSONPointer])
    /// The greater value, by key where one is given.
    case maximize(key: [JSONPointer])
    /// Exact sums of numbers, and of numbers written as strings.
    case sum
    /// An object of `add`, `intersect` and `remove`.
    case set(key: [JSONPointer])
    /// Both values are JSON Schemas; the result allows what either does.
    case jsonSchemaMerge

    /// Why an annotation is none.
    struct Fault: Error {
        /// The member at fault; nil for the annotation itself.
        let member: String?
        let message: String
        let hint: String?
    }

    /// What is used where no schema says anything.
    static let standard = ReduceStrategy.lastWriteWins(associative: true, delete: false)

    private static let options: [String: [String]] = [
        "firstWriteWins": [], "lastWriteWins": ["associative", "delete"], "append": [], "merge": ["key", "delete"],
        "minimize": ["key"], "maximize": ["key"], "sum": [], "set": ["key"], "jsonSchemaMerge": [],
    ]

    /// Reads an annotation.
    init(_ value: JSONValue) throws(Fault) {
        guard let object = value.objectValue else {
            throw Fault(
                member: nil, message: "'reduce' must be an object such as { strategy: merge }", hint: nil)
        }
        guard let name = object["strategy"]?.stringValue else {
            throw Fault(
                member: object.contains("strategy") ? "strategy" : nil, message: "'reduce' has no 'strategy' by name",
                hint: "one of \(Self.options.keys.sorted().joined(separator: ", "))")
        }
        guard let options = Self.options[name] else {
            throw Fault(
                member: "strategy", message: "unknown reduction strategy '\(name)'",
                hint: Suggestion.hint(for: name, among: Self.options.keys.sorted())
                    ?? "one of \(Self.options.keys.sorted().joined(separator: ", "))")
        }
        for member in object where member.key != "strategy" && !options.contains(member.key) {
            throw Fault(
                member: member.key, message: "strategy '\(name)' has no option '\(member.key)'",
                hint: Suggestion.hint(for: member.key, among: options))
        }
        let key = try Self.key(object["key"])
        let delete = try Self.flag("delete", object["delete"]) ?? false
        switch name {
        case "firstWriteWins": self = .firstWriteWins
        case "append": self = .append
        case "merge": self = .merge(key: key, delete: delete)
        case "minimize": self = .minimize(key: key)
        case "maximize": self = .maximize(key: key)
        case "sum": self = .sum
        case "set": self = .set(key: key)
        case "jsonSchemaMerge": self = .jsonSchemaMerge
        default:
            let associative = try Self.flag("associative", object["associative"]) ?? true
            self = .lastWriteWins(associative: associative, delete: delete)
        }
    }

    private static func key(_ value: JSONValue?) throws(Fault) -> [JSONPointer] {
        guard let value else { return [] }
        guard let items = value.arrayValue else {
            throw Fault(member: "key", message: "the key of a reduction is a list of JSON pointers", hint: nil)
        }
        var pointers: [JSONPointer] = []
        for item in items {
            guard let pointer = item.stringValue.flatMap(JSONPointer.init(parsing:)) else {
                throw Fault(
                    member: "key", message: "\(item) is no JSON pointer for the key of a reduction",
                    hint: "a pointer begins with '/'; \"\" is the item itself")
            }
            pointers.append(pointer)
        }
        return pointers
    }

    private static func flag(_ name: String, _ value: JSONValue?) throws(Fault) -> Bool? {
        guard let value else { return nil }
        guard let flag = value.boolValue else {
            throw Fault(member: name, message: "'\(name)' of a reduction is true or false", hint: nil)
        }
        return flag
    }

    /// The strategy's name.
    var name: String {
        switch self {
        case .firstWriteWins: "firstWriteWins"
        case .lastWriteWins: "lastWriteWins"
        case .append: "append"
        case .merge: "merge"
        case .minimize: "minimize"
        case .maximize: "maximize"
        case .sum: "sum"
        case .set: "set"
        case .jsonSchemaMerge: "jsonSchemaMerge"
        }
    }

    /// The annotation, without options that have their default.
    var json: JSONValue {
        var object = JSONObject([("strategy", .string(name))])
        switch self {
        case .lastWriteWins(let associative, let delete):
            if !associative { object["associative"] = false }
            if delete { object["delete"] = true }
        case .merge(let key, let delete):
            if !key.isEmpty { object["key"] = .array(key.map { .string($0.description) }) }
            if delete { object["delete"] = true }
        case .minimize(let key), .maximize(let key), .set(let key):
            if !key.isEmpty { object["key"] = .array(key.map { .string($0.description) }) }
        default: break
        }
        return .object(object)
    }
}

import JSON
import TestSupport

/// Changes a JSON value at one random place, as a slip of the pen or of a template would.
struct Mutation {
    /// Where chance comes from.
    var random: SplitMix

    private static let values: [JSONValue] = [
        nil, true, 5, -1, .number(JSONNumber("1.5") ?? JSONNumber(1)), "", "text", "a//b", "a b", "5m", "/id",
        "/a~2", "2026-13-01T00:00:00Z", "2026-02-01T00:00:00Z", [], [[1]], [:], ["a": 1], ["env": "P"],
    ]

    /// The value with one change.
    mutating func change(_ value: JSONValue) -> JSONValue {
        let size = Self.size(value)
        guard size > 1 else { return value }
        var place = 1 + random.below(size - 1)
        return change(value, at: &place)
    }

    private static func size(_ value: JSONValue) -> Int {
        switch value {
        case .array(let items): items.reduce(1) { $0 + size($1) }
        case .object(let object): object.reduce(1) { $0 + size($1.value) }
        default: 1
        }
    }

    /// Goes to the place in document order; 0 is the value itself, which its parent changes.
    private mutating func change(_ value: JSONValue, at place: inout Int) -> JSONValue {
        switch value {
        case .array(var items):
            for index in items.indices {
                place -= 1
                if place == 0 {
                    switch random.below(4) {
                    case 0: items.remove(at: index)
                    case 1: items.insert(items[index], at: index)
                    default: items[index] = other()
                    }
                    return .array(items)
                }
                items[index] = change(items[index], at: &place)
                if place <= 0 { break }
            }
            return .array(items)
        case .object(let object):
            var members = object.members
            for index in members.indices {
                place -= 1
                if place == 0 {
                    changeMember(&members, index)
                    return .object(JSONObject(members.map { ($0.key, $0.value) }))
                }
                members[index].value = change(members[index].value, at: &place)
                if place <= 0 { break }
            }
            return .object(JSONObject(members.map { ($0.key, $0.value) }))
        default: return value
        }
    }

    private mutating func changeMember(_ members: inout [JSONObject.Member], _ index: Int) {
        let (key, value) = (members[index].key, members[index].value)
        switch random.below(8) {
        case 0: members.remove(at: index)
        case 1: members[index] = .init(key: String(key.dropFirst()), value: value)
        case 2: members[index] = .init(key: "x-" + key, value: value)
        case 3: members.append(.init(key: "x-note", value: other()))
        case 4: members[index] = .init(key: key.uppercased(), value: value)
        default: members[index].value = other()
        }
    }

    private mutating func other() -> JSONValue { Self.values[random.below(Self.values.count)] }
}

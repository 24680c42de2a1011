import JSON

/// Flow's order of values: null, booleans, numbers, strings, arrays, objects; within a type the natural one.
enum DocumentOrder {
    /// Below, equal or above.
    enum Order: Int { case ascending = -1, equal, descending }

    /// Compares two values. Numbers by value, strings by their bytes, arrays and objects by their first difference,
    /// objects in the order of their members' names.
    static func compare(_ left: JSONValue, _ right: JSONValue) -> Order {
        switch (left, right) {
        case (.null, .null): return .equal
        case (.bool(let left), .bool(let right)): return order(left ? 1 : 0, right ? 1 : 0)
        case (.number(let left), .number(let right)): return order(left, right)
        case (.string(let left), .string(let right)): return text(left, right)
        case (.array(let left), .array(let right)):
            for (item, other) in zip(left, right) {
                let found = compare(item, other)
                if found != .equal { return found }
            }
            return order(left.count, right.count)
        case (.object(let left), .object(let right)): return compare(sorted(left), sorted(right))
        default: return order(rank(left), rank(right))
        }
    }

    /// Compares what a key's pointers lead to; what is not there comes before any value.
    static func compare(_ left: JSONValue, _ right: JSONValue, by key: [JSONPointer]) -> Order {
        for pointer in key {
            let found = compare(pointer.find(in: left), pointer.find(in: right))
            if found != .equal { return found }
        }
        return .equal
    }

    /// Compares values that may be absent.
    static func compare(_ left: JSONValue?, _ right: JSONValue?) -> Order {
        switch (left, right) {
        case (.none, .none): .equal
        case (.none, _): .ascending
        case (_, .none): .descending
        case (let left?, let right?): compare(left, right)
        }
    }

    /// An object's members by name.
    static func sorted(_ object: JSONObject) -> [JSONObject.Member] {
        object.members.sorted { text($0.key, $1.key) == .ascending }
    }

    private static func compare(_ left: [JSONObject.Member], _ right: [JSONObject.Member]) -> Order {
        for (member, other) in zip(left, right) {
            let name = text(member.key, other.key)
            if name != .equal { return name }
            let value = compare(member.value, other.value)
            if value != .equal { return value }
        }
        return order(left.count, right.count)
    }

    /// Compares two texts by their bytes.
    static func text(_ left: String, _ right: String) -> Order {
        if left.utf8.lexicographicallyPrecedes(right.utf8) { return .ascending }
        return left.utf8.elementsEqual(right.utf8) ? .equal : .descending
    }

    private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Order {
        left < right ? .ascending : left == right ? .equal : .descending
    }

    private static func rank(_ value: JSONValue) -> Int {
        switch value {
        case .null: 0
        case .bool: 1
        case .number: 2
        case .string: 3
        case .array: 4
        case .object: 5
        }
    }
}

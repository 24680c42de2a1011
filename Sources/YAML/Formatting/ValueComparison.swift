import JSON

/// Compares values more closely than JSON Schema does.
enum ValueComparison {
    /// Whether two values are the same to the digit; only the order of members may differ.
    static func areSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.number(let one), .number(let other)): return one.text == other.text
        case (.array(let one), .array(let other)):
            return one.count == other.count && zip(one, other).allSatisfy(areSame)
        case (.object(let one), .object(let other)):
            return one.count == other.count
                && one.members.allSatisfy { member in other[member.key].map { areSame(member.value, $0) } ?? false }
        default: return left == right
        }
    }
}

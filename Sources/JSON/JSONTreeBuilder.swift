/// Makes a tree of its own kind from what the parser reads: one conformer makes plain values, another nodes with places.
///
/// Offsets are byte offsets in the parsed text. Children are made before the values that hold them.
public protocol JSONTreeBuilder {
    /// The tree that is made.
    associatedtype Tree
    /// A null, truth value, number or string at these bytes.
    mutating func scalar(_ value: JSONValue, _ range: Range<Int>) -> Tree
    /// An array at these bytes.
    mutating func array(_ items: [Tree], _ range: Range<Int>) -> Tree
    /// An object at these bytes, its members in order. A name may repeat.
    mutating func object(_ members: [(key: String, keyRange: Range<Int>, value: Tree)], _ range: Range<Int>) -> Tree
}

/// Makes plain values. Of a repeated name the last value stays.
struct JSONValueBuilder: JSONTreeBuilder {
    /// The value itself.
    func scalar(_ value: JSONValue, _ range: Range<Int>) -> JSONValue { value }

    /// An array.
    func array(_ items: [JSONValue], _ range: Range<Int>) -> JSONValue { .array(items) }

    /// An object.
    func object(_ members: [(key: String, keyRange: Range<Int>, value: JSONValue)], _ range: Range<Int>) -> JSONValue {
        .object(JSONObject(members.lazy.map { ($0.key, $0.value) }))
    }
}

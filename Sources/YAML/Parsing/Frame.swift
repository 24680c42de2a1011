import JSON

/// A collection that is being read.
struct Frame {
    /// A key whose value has not come yet.
    struct Key {
        /// The key.
        let text: String
        /// Where its text is.
        let span: Span
        /// The key is `<<`, unquoted.
        var isMerge = false
        /// A fault was reported for the key; its member is dropped.
        var isBroken = false
    }

    /// A mapping, not a sequence.
    let isMapping: Bool
    /// Written with brackets.
    let isFlow: Bool
    /// Where it begins.
    var span: Span
    /// From the start to the end of the last thing inside, which is where a block collection's text ends.
    var contentEnd: UInt32
    /// The name that aliases use for it.
    var anchor: String?
    /// The collection stands in the place of a key.
    var isKey = false

    /// The items so far.
    var items: [RawNode] = []
    private(set) var members: [MappingBox.Member] = []
    /// The key whose value comes next.
    var key: Key?
    /// The value of `<<`, and how many members stand before it.
    var merge: (value: RawNode, keySpan: Span, position: Int)?
    /// Where each name is in `members`; kept only once there are many.
    private var index: [JSONKey: Int] = [:]

    /// A collection that begins.
    init(isMapping: Bool, isFlow: Bool, span: Span) {
        self.isMapping = isMapping
        self.isFlow = isFlow
        self.span = span
        self.contentEnd = span.start
    }

    /// Whether the next node is a key.
    var awaitsKey: Bool { isMapping && key == nil }

    /// Adds a member whose key is new.
    mutating func append(_ member: MappingBox.Member) {
        members.append(member)
        if members.count == 9 {
            for (place, member) in members.enumerated() { index[JSONKey(member.key)] = place }
        } else if members.count > 9 {
            index[JSONKey(member.key)] = members.count - 1
        }
    }

    /// Marks the last thing inside as broken, where it is a value that nothing but spaces part from a place.
    mutating func breakLast(before offset: Int, in bytes: [UInt8]) {
        guard key == nil, let last = isMapping ? members.last?.value : items.last, last.use == nil,
            case .scalar = last.content, Int(last.span.end) <= offset, offset <= bytes.count,
            bytes[Int(last.span.end)..<offset].allSatisfy({ $0 == UInt8(ascii: " ") })
        else { return }
        if isMapping {
            members[members.count - 1].value.isBroken = true
        } else {
            items[items.count - 1].isBroken = true
        }
    }

    /// Where the same key stands before; nil for a new one.
    func firstPlace(of key: Key) -> Span? {
        if key.isMerge { return merge?.keySpan }
        if !index.isEmpty { return index[JSONKey(key.text)].map { members[$0].keySpan } }
        return members.first { $0.key.utf8.elementsEqual(key.text.utf8) }?.keySpan
    }
}

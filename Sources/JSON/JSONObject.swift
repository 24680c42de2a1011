/// The members of a JSON object in the order of their text, with a quick look-up by name.
///
/// Names are unique and compared by their Unicode scalars, not by canonical equivalence.
public struct JSONObject: Sendable {
    /// A name and its value.
    public struct Member: Sendable {
        /// The member's name.
        public let key: String
        /// The member's value.
        public var value: JSONValue

        /// A member.
        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// The members in order.
    public private(set) var members: [Member]
    /// Where each name is in `members`; empty for few members, which are searched one by one.
    private var index: [JSONKey: Int]

    /// Up to this many members no index is kept.
    private static let scanLimit = 8

    /// An empty object.
    public init() {
        members = []
        index = [:]
    }

    /// Members in order; of a repeated name the first place and the last value stay.
    public init(_ elements: some Sequence<(String, JSONValue)>) {
        self.init()
        for (key, value) in elements { self[key] = value }
    }

    /// Members whose names are known to differ: quicker than one by one.
    public init(unique members: [Member]) {
        self.members = members
        index = [:]
        rebuild()
    }

    /// The number of members.
    public var count: Int { members.count }
    /// Whether there is none.
    public var isEmpty: Bool { members.isEmpty }
    /// The names in order.
    public var keys: [String] { members.map(\.key) }

    /// A member's value. Setting adds at the end or replaces in place; setting nil removes (O(n)).
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            if let found = position(of: key) {
                if let newValue {
                    members[found].value = newValue
                } else {
                    members.remove(at: found)
                    rebuild()
                }
            } else if let newValue {
                append(key, newValue)
            }
        }
    }

    /// Whether a member has this name.
    public func contains(_ key: String) -> Bool { position(of: key) != nil }

    /// A member's place in `members`; nil where no member has this name.
    public func position(of key: String) -> Int? {
        if index.isEmpty {
            return members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
        }
        return index[JSONKey(key)]
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
        if !index.isEmpty {
            index[JSONKey(key)] = members.count - 1
        } else if members.count > Self.scanLimit {
            rebuild()
        }
    }

    private mutating func rebuild() {
        index = [:]
        guard members.count > Self.scanLimit else { return }
        index.reserveCapacity(members.count)
        for (place, member) in members.enumerated() { index[JSONKey(member.key)] = place }
    }
}

extension JSONObject: Hashable {
    /// Equal when both have the same names with equal values, in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        return left.members.allSatisfy { right[$0.key] == $0.value }
    }

    /// Hashes the members without regard to their order.
    public func hash(into hasher: inout Hasher) {
        var sum = 0
        for member in members {
            var one = Hasher()
            one.combine(JSONKey(member.key))
            one.combine(member.value)
            sum ^= one.finalize()
        }
        hasher.combine(sum)
        hasher.combine(count)
    }
}

extension JSONObject: Sequence {
    /// Visits the members in order.
    public func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
}

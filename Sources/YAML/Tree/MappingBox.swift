import JSON

/// The members of a mapping with a look-up by name.
final class MappingBox: Sendable {
    /// A key and its value.
    struct Member: Sendable {
        /// The key.
        let key: String
        /// Where the key's text is.
        let keySpan: Span
        /// The value.
        var value: RawNode
    }

    /// The members in order.
    let members: [Member]
    /// Nodes in it, itself and keys included, aliases expanded.
    let count: Int
    /// Levels of collections, itself included.
    let height: Int
    private let index: [JSONKey: Int]

    /// Takes members whose names are unique.
    init(_ members: [Member]) {
        self.members = members
        self.count = members.reduce(1) { $0 + 1 + $1.value.count }
        self.height = 1 + (members.map(\.value.height).max() ?? 0)
        var index: [JSONKey: Int] = [:]
        if members.count > 8 {
            index.reserveCapacity(members.count)
            for (place, member) in members.enumerated() { index[JSONKey(member.key)] = place }
        }
        self.index = index
    }

    /// The place of a member; nil where there is none.
    func position(of key: String) -> Int? {
        if index.isEmpty { return members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) } }
        return index[JSONKey(key)]
    }
}

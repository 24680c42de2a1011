import JSON

/// Takes the members of other mappings into one, as the merge key `<<` asks (yaml.org/type/merge.html).
///
/// The mapping's own members win over merged ones, and of several merged mappings the earlier wins.
struct MergeKeys {
    /// What a merge came to.
    enum Outcome {
        /// The members, and how many nodes came in.
        case merged([MappingBox.Member], nodes: Int)
        /// More nodes than there is room for; nothing was copied.
        case tooMany
        /// This value is no mapping.
        case notMapping(RawNode)
    }

    /// Merges `value` in before the member at `position`.
    static func merge(_ own: [MappingBox.Member], _ value: RawNode, at position: Int, room: Int) -> Outcome {
        var sources: [RawNode] = []
        switch value.content {
        case .mapping: sources = [value]
        case .sequence(let box):
            sources = box.items.map { item in
                var item = item
                item.use = value.use ?? item.use
                return item
            }
        case .scalar: return .notMapping(value)
        }
        var taken = Set(own.map { JSONKey($0.key) })
        var incoming: [MappingBox.Member] = []
        var nodes = 0
        for source in sources {
            guard case .mapping(let box) = source.content else { return .notMapping(source) }
            for member in box.members where taken.insert(JSONKey(member.key)).inserted {
                nodes += 1 + member.value.count
                if nodes > room { return .tooMany }
                var member = member
                member.value.use = source.use ?? member.value.use
                incoming.append(member)
            }
        }
        return .merged(own[..<position] + incoming + own[position...], nodes: nodes)
    }
}

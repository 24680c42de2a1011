/// The order in which the known keys of a mapping stand, and of the mappings below it.
public final class KeyOrder: Sendable {
    /// The known keys in their order. Others keep their places.
    public let keys: [String]
    private let below: [String: KeyOrder]
    private let other: KeyOrder?
    /// The order of the mappings in a list.
    let items: KeyOrder?
    /// Whether entries with lines of their own are set apart by empty lines.
    let separatesSections: Bool

    /// An order. `below` is by key, `other` for keys that are not in it.
    public init(
        _ keys: [String] = [], below: [String: KeyOrder] = [:], other: KeyOrder? = nil, items: KeyOrder? = nil,
        separatesSections: Bool = false
    ) {
        self.keys = keys
        self.below = below
        self.other = other
        self.items = items
        self.separatesSections = separatesSections
    }

    /// No order: everything stays where it is.
    public static let none = KeyOrder()

    /// The order at a path of keys, in which any number stands for the items of a list.
    public func find(_ path: [String]) -> KeyOrder {
        path.reduce(self) { order, step in order.order(under: Int(step) == nil ? step : nil) }
    }

    /// The order of the value under a key; of a list's items without one.
    func order(under key: String?) -> KeyOrder {
        guard let key else { return items ?? .none }
        return below[key] ?? other ?? .none
    }
}

extension SyntaxNode {
    /// Brings the members of this mapping and those below it into an order, as far as every anchor still stands before
    /// its aliases.
    func arrange(_ order: KeyOrder) {
        if order === KeyOrder.none { return }
        for entry in entries { entry.value.arrange(order.order(under: entry.name)) }
        guard case .mapping = content else { return }
        let slots = entries.indices.filter { order.keys.contains(entries[$0].name ?? "") }
        let ranks = slots.map { order.keys.firstIndex(of: entries[$0].name ?? "") ?? 0 }
        guard ranks != ranks.sorted() else { return }
        let names = entries.map { $0.value.referencedNames(and: $0.key) }
        var waiting = Array(slots.indices)
        var arranged = entries
        var places = Array(entries.indices)
        for slot in slots {
            // The least rank of those that wait for no other: an entry waits for earlier ones that share a name with it.
            let free = waiting.filter { one in
                !waiting.contains { $0 < one && !names[slots[$0]].isDisjoint(with: names[slots[one]]) }
            }
            guard let chosen = free.min(by: { ranks[$0] < ranks[$1] }) else { return }
            waiting.removeAll { $0 == chosen }
            arranged[slot] = entries[slots[chosen]]
            places[slot] = slots[chosen]
        }
        for (later, place) in places.enumerated() {
            for earlier in places[..<later] where earlier > place {
                // These two change places.
                guard names[earlier].isDisjoint(with: names[place]) else { return }
            }
        }
        entries = arranged
    }

    /// The names of all anchors and aliases in this value and its key.
    private func referencedNames(and key: SyntaxNode?) -> Set<String> {
        var names = key?.referencedNames(and: nil) ?? []
        if let anchor { names.insert(anchor) }
        if case .alias(let name) = content { names.insert(name) }
        for entry in entries { names.formUnion(entry.value.referencedNames(and: entry.key)) }
        return names
    }
}

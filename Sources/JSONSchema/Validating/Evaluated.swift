/// Which members and items of one value some keyword has evaluated, for `unevaluatedProperties` and `unevaluatedItems`.
struct Evaluated {
    /// All members are.
    var allMembers = false
    /// Places of members in their object.
    var members: Set<Int> = []
    /// All items are.
    var allItems = false
    /// Items before this one are.
    var prefix = 0
    /// Places of further items.
    var items: Set<Int> = []

    /// Adds what another schema of the same value has evaluated.
    mutating func merge(_ other: Evaluated) {
        allMembers = allMembers || other.allMembers
        members.formUnion(other.members)
        allItems = allItems || other.allItems
        prefix = max(prefix, other.prefix)
        items.formUnion(other.items)
    }

    /// Adds the first items.
    mutating func addPrefix(_ count: Int) { prefix = max(prefix, count) }
    /// Whether a member is evaluated.
    func hasMember(_ place: Int) -> Bool { allMembers || members.contains(place) }
    /// Whether an item is evaluated.
    func hasItem(_ place: Int) -> Bool { allItems || place < prefix || items.contains(place) }
}

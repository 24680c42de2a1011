/// The items of a sequence.
final class SequenceBox: Sendable {
    /// The items in order.
    let items: [RawNode]
    /// Nodes in it, itself included, aliases expanded.
    let count: Int
    /// Levels of collections, itself included.
    let height: Int

    /// Takes the items.
    init(_ items: [RawNode]) {
        self.items = items
        self.count = items.reduce(1) { $0 + $1.count }
        self.height = 1 + (items.map(\.height).max() ?? 0)
    }
}

import JSON

/// The way from the root to a node, shared by all nodes below it.
final class NodePath: Sendable {
    /// One level of the way.
    enum Step: Sendable {
        /// A member of a mapping.
        case key(String)
        /// An item of a sequence.
        case index(Int)
    }

    /// The way to the holder; nil where that is the root.
    let parent: NodePath?
    /// The last level.
    let step: Step
    /// What is below this place is made, not written, and has no place but this one.
    let isOfMade: Bool

    /// The way that goes one level on.
    init(_ parent: NodePath?, _ step: Step, isOfMade: Bool = false) {
        self.parent = parent
        self.step = step
        self.isOfMade = isOfMade
    }

    /// The way as a pointer. O(depth).
    var pointer: JSONPointer {
        var tokens: [String] = []
        var next: NodePath? = self
        while let path = next {
            switch path.step {
            case .key(let key): tokens.append(key)
            case .index(let index): tokens.append(String(index))
            }
            next = path.parent
        }
        return JSONPointer(tokens.reversed())
    }
}

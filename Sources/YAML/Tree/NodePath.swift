import JSON

/// The way from the root to a node, shared by all nodes below it.
final class NodePath: Sendable {
    enum Step: Sendable {
        case key(String)
        case index(Int)
    }

    let parent: NodePath?
    let step: Step

    init(_ parent: NodePath?, _ step: Step) {
        self.parent = parent
        self.step = step
    }

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

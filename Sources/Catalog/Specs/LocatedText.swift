import YAML

/// Text with the node that holds it.
public struct LocatedText: Sendable {
    public let text: String
    public let node: Node

    /// Nil for a node that is no string.
    init?(_ node: Node?) {
        guard let node, let text = node.string else { return nil }
        self.text = text
        self.node = node
    }
}

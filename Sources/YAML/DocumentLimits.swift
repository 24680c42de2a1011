/// The limits that keep any input from filling memory or the stack.
public struct DocumentLimits: Sendable {
    /// The most bytes of a file.
    public var bytes: Int
    /// The most nodes of a document, keys included, after the expansion of aliases.
    public var nodes: Int
    /// The most levels of collections inside each other, aliases expanded.
    public var depth: Int

    /// Limits that differ from the standard ones, for tests.
    public init(bytes: Int = 64 << 20, nodes: Int = 10_000_000, depth: Int = 256) {
        self.bytes = bytes
        self.nodes = nodes
        self.depth = depth
    }

    /// The limits of the catalog's specification.
    public static let standard = DocumentLimits()
}

/// A name that is compared by its bytes: Swift's own string equality would join `é` and `e` + accent.
public struct JSONKey: Sendable, Hashable, Comparable {
    /// The name.
    public let text: String

    /// Wraps a name.
    public init(_ text: String) { self.text = text }

    /// The same bytes.
    public static func == (left: JSONKey, right: JSONKey) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    /// By the bytes.
    public static func < (left: JSONKey, right: JSONKey) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

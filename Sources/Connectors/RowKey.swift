/// The key of a row as text, by key column. Keys are the same where their bytes are: `é` and `e` with an accent are two.
public struct RowKey: Hashable, Sendable {
    public let values: [String]

    public init(_ values: [String]) {
        self.values = values
    }

    public static func == (left: RowKey, right: RowKey) -> Bool { left.values.areSameNames(as: right.values) }

    public func hash(into hasher: inout Hasher) {
        for var value in values {
            hasher.combine(value.utf8.count)
            value.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }
}

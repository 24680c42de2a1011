import JSON

/// How a collection's documents are told apart.
struct DocumentKey: Sendable {
    private let pointers: [JSONPointer]
    /// What stands for a value that is left out, by the schema's `default`.
    private let defaults: [JSONValue?]

    /// The key of a collection.
    init(of collection: CollectionSpec) {
        pointers = collection.key.compactMap { JSONPointer(written: $0.text) }
        let shape = collection.model.read?.shape
        defaults = pointers.map { shape?.locate($0).shape.defaultValue?.value }
    }

    /// The key's values; what is left out is its default, else null.
    func values(of document: JSONValue) -> [JSONValue] {
        zip(pointers, defaults).map { $0.find(in: document) ?? $1 ?? .null }
    }

    /// The key's values as a document lists them; nil where it leaves one out.
    func whole(of document: JSONValue) -> [JSONValue]? {
        let values = pointers.compactMap { $0.find(in: document) }
        return values.count == pointers.count ? values : nil
    }

    /// The key in words: `/id 7`.
    func phrase(_ document: JSONValue) -> String {
        zip(pointers, values(of: document)).map { "\($0) \($1)" }.joined(separator: ", ")
    }
}

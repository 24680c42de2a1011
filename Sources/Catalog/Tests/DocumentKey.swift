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

    /// The key's values; nil where one is left out that has no default.
    func whole(of document: JSONValue) -> [JSONValue]? {
        var values: [JSONValue] = []
        for (pointer, standard) in zip(pointers, defaults) {
            guard let value = pointer.find(in: document) ?? standard else { return nil }
            values.append(value)
        }
        return values
    }

    /// The key in words: `/id 7`.
    func phrase(_ document: JSONValue) -> String {
        zip(pointers, values(of: document)).map { "\($0) \($1)" }.joined(separator: ", ")
    }
}

import JSON
import YAML

/// Which documents a selection of partitions keeps.
struct PartitionSelection {
    private typealias Choice = (pointer: JSONPointer, values: [JSONValue])

    private let included: [Choice]
    private let excluded: [Choice]

    /// Reads a selection that has been checked; without one, everything is kept.
    init(_ selector: Node?, of collection: CollectionSpec) {
        let fields = collection.fields()
        func choices(_ side: String) -> [Choice] {
            (selector?[side]?.members ?? []).compactMap { member in
                guard let field = fields.first(where: { $0.name == member.key }) else { return nil }
                return (field.pointer, (member.value.items ?? []).map(\.value))
            }
        }
        included = choices("include")
        excluded = choices("exclude")
    }

    /// Whether a document has one of the included values of each field, and none of the excluded ones.
    func keeps(_ document: JSONValue) -> Bool {
        included.allSatisfy { $0.values.contains($0.pointer.find(in: document) ?? .null) }
            && !excluded.contains { $0.values.contains($0.pointer.find(in: document) ?? .null) }
    }
}

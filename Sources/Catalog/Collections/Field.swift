import JSON
import YAML

/// A name under which a location of a collection's documents can be materialized.
struct Field: Sendable {
    let name: String
    let pointer: JSONPointer
    /// What the schema says of it; nil where it doesn't.
    let shape: Shape?
    /// Made by `projections`, not by the location itself.
    let isExplicit: Bool
    let isPartition: Bool
}

extension CollectionSpec {
    /// The names of what is known of every document, whatever the schema.
    static let metadataFields: Set<String> = ["flow_document", "flow_published_at"]

    /// What a captured document has below `_meta`, where the schema doesn't say: names, or the beginnings of names.
    static let metadataLocations = ["_meta/op", "_meta/source", "_meta/before", "_meta/uuid", "_meta/unchanged"]

    /// The fields of `projections`, in the order written.
    func projectedFields() -> [Field] {
        (name.node["projections"]?.members ?? []).compactMap { projection in
            if projection.isExtension { return nil }
            let text = projection.value.string ?? projection.value["location"]?.string
            guard let pointer = text.flatMap(JSONPointer.init(written:)) else { return nil }
            return Field(
                name: projection.key, pointer: pointer, shape: model.read?.shape.locate(pointer).shape,
                isExplicit: true, isPartition: projection.value["partition"]?.bool ?? false)
        }
    }

    /// Where a field of this name is in a document: a projection's location, else the one that it is named after. Nil for a
    /// name that is none.
    public func location(ofField name: String) -> JSONPointer? {
        projectedFields().first { $0.name == name }?.pointer ?? JSONPointer(fieldName: name)
    }

    /// All fields: those of `projections`, those of the key, and the schema's locations. Each name once.
    func fields() -> [Field] {
        var fields = projectedFields()
        var known = Set(fields.map(\.name))
        func add(_ field: Field) {
            if known.insert(field.name).inserted { fields.append(field) }
        }
        let keys = key.compactMap { JSONPointer(written: $0.text) }
        for pointer in keys {
            add(
                Field(
                    name: pointer.fieldName, pointer: pointer, shape: model.read?.shape.locate(pointer).shape,
                    isExplicit: false, isPartition: false))
        }
        for location in model.read?.shape.locations() ?? [] {
            add(
                Field(
                    name: location.pointer.fieldName, pointer: location.pointer, shape: location.shape,
                    isExplicit: false, isPartition: false))
        }
        return fields
    }
}

extension JSONPointer {
    /// The location's own field: the pointer without its first slash.
    var fieldName: String { String(description.dropFirst()) }

    /// The location that a field is named after.
    init?(fieldName: String) { self.init(written: "/" + fieldName) }
}

extension Node.Member {
    /// Of projections: an `x-` key whose value is no projection.
    var isExtension: Bool {
        guard key.hasPrefix("x-") else { return false }
        let text = value.string ?? value["location"]?.string
        return text.flatMap(JSONPointer.init(written:)) == nil
    }
}

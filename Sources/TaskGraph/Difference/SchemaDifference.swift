import Catalog
import JSON

/// Tells what is different between two of a collection's schemas, location by location.
enum SchemaDifference {
    /// The differences, each once; nil where the schemas say the same, whatever their descriptions.
    static func changes(from old: CatalogSnapshot.Collection, to new: CatalogSnapshot.Collection) -> [String]? {
        guard old.schemas.map(bare) != new.schemas.map(bare) else { return nil }
        var known: Set<String> = []
        return zip(old.outlines, new.outlines).flatMap { compare($0, $1) }.filter { known.insert($0).inserted }
    }

    private static func compare(_ old: SchemaOutline, _ new: SchemaOutline) -> [String] {
        let before = Dictionary(old.locations.map { ($0.field, $0) }) { first, _ in first }
        let after = Set(new.locations.map(\.field))
        var changes: [String] = []
        for location in new.locations {
            guard let known = before[location.field] else {
                // What is within something new is new with it.
                if location.parent.isEmpty || before[location.parent] != nil {
                    changes.append("'\(location.field)' is new")
                }
                continue
            }
            for (aspect, words) in location.says where !known.says.contains(where: { $0 == (aspect, words) }) {
                changes.append("'\(location.field)' \(words)")
            }
        }
        for location in old.locations where !after.contains(location.field) {
            if location.parent.isEmpty || after.contains(location.parent) {
                changes.append("'\(location.field)' is gone")
            }
        }
        return changes
    }

    /// A schema without what is said for readers only.
    private static func bare(_ schema: JSONValue) -> JSONValue {
        guard case .object(let object) = schema else {
            guard case .array(let items) = schema else { return schema }
            return .array(items.map(bare))
        }
        var copy = JSONObject()
        for member in object.members where !told.contains(member.key) && !member.key.hasPrefix("x-") {
            if plain.contains(member.key) {
                copy[member.key] = member.value
            } else if maps.contains(member.key), case .object(let named) = member.value {
                copy[member.key] = .object(JSONObject(named.members.map { ($0.key, bare($0.value)) }))
            } else {
                copy[member.key] = bare(member.value)
            }
        }
        return .object(copy)
    }

    private static let told: Set<String> = ["title", "description", "$comment", "examples"]
    private static let plain: Set<String> = ["const", "enum", "default", "reduce", "redact", "required"]
    private static let maps: Set<String> = [
        "properties", "patternProperties", "$defs", "definitions", "dependentSchemas",
    ]
}

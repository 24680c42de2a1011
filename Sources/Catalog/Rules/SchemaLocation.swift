import JSON
import YAML

/// What a schema says of a location, as far as it can be told without evaluating it.
enum SchemaLocation {
    /// The schema of the location.
    case found(Node)
    /// The schema doesn't speak of the location, or forbids it.
    case absent
    /// The schema refers or branches: only an evaluation could tell.
    case unknown

    private static let opaque = [
        "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties",
    ]

    /// The names of JSON Schema's types.
    static let allTypes: Set<String> = ["null", "boolean", "integer", "number", "string", "array", "object"]

    /// Walks down `properties`.
    static func find(_ pointer: JSONPointer, in schema: Node) -> SchemaLocation {
        var node = schema
        for token in pointer.tokens {
            if node.bool == true || opaque.contains(where: { node[$0] != nil }) { return .unknown }
            if let next = node["properties"]?[token] {
                node = next
            } else if node["additionalProperties"]?.members != nil || node["items"] != nil {
                return .unknown
            } else {
                return .absent
            }
        }
        return .found(node)
    }

    /// The names of the schema's own properties.
    static func names(in schema: Node) -> [String] { schema["properties"]?.keys ?? [] }

    /// The JSON types that a location's schema allows; nil where it doesn't say.
    static func types(of location: Node) -> Set<String>? {
        if let type = location["type"]?.string { return [type] }
        return location["type"]?.items.map { Set($0.compactMap(\.string)) }
    }
}

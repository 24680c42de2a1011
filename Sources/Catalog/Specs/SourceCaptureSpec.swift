import JSON
import YAML

/// Binding by itself to every collection that a capture writes.
public struct SourceCaptureSpec: Sendable {
    /// How a table's name follows from the captured table's.
    public enum Naming: Sendable, Equatable {
        /// The table's own name, in the endpoint's schema.
        case noSchema
        /// The table's own name in a schema named as the source's.
        case withSchema
        /// `schema_table`, in the endpoint's schema or in the one given.
        case prefixSchema(into: String?)
        /// As `prefixSchema`, but tables of `public` keep their own name.
        case prefixNonDefaultSchema(into: String?)
        /// The table's own name, in the schema given.
        case singleSchema(String)
    }

    /// The capture that is named.
    public let capture: LocatedText
    /// Whether the bindings append changes.
    public let deltaUpdates: Bool
    /// As `fields.recommended` of each binding; nil for the default.
    public let fieldsRecommended: JSONValue?
    /// How their tables are named.
    public let naming: Naming

    /// Nil where no capture is named. `naming` is the newer form beside the source.
    init?(_ node: Node?, naming: Node?) {
        guard let capture = LocatedText(node) ?? LocatedText(node?["capture"]) else { return nil }
        self.capture = capture
        deltaUpdates = node?["deltaUpdates"]?.bool ?? false
        fieldsRecommended = node?["fieldsRecommended"]?.value
        self.naming = Self.naming(naming) ?? Self.naming(node?["targetNaming"]) ?? .prefixNonDefaultSchema(into: nil)
    }

    private static func naming(_ node: Node?) -> Naming? {
        let schema = node?["schema"]?.string
        switch node?.string ?? node?["strategy"]?.string {
        case "noSchema", "leaveEmpty": return .noSchema
        case "withSchema", "fromSourceName", "matchSourceStructure": return .withSchema
        case "prefixSchema": return .prefixSchema(into: nil)
        case "prefixNonDefaultSchema": return .prefixNonDefaultSchema(into: nil)
        case "singleSchema": return schema.map { .singleSchema($0) } ?? .noSchema
        case "prefixTableNames":
            let skips = node?["skipCommonDefaults"]?.bool ?? false
            return skips ? .prefixNonDefaultSchema(into: schema) : .prefixSchema(into: schema)
        default: return nil
        }
    }

    /// The destination of a captured table: schema (nil for the endpoint's) and table.
    public func target(namespace: String, stream: String) -> (schema: String?, table: String) {
        switch naming {
        case .noSchema: (nil, stream)
        case .withSchema: (namespace, stream)
        case .prefixSchema(let schema): (schema, namespace + "_" + stream)
        case .prefixNonDefaultSchema(let schema):
            (schema, namespace == "public" ? stream : namespace + "_" + stream)
        case .singleSchema(let schema): (schema, stream)
        }
    }
}

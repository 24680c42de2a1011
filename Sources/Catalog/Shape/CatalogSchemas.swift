import JSON
import JSONSchema

/// The JSON Schemas that catalogs and connector configs are checked with, ready for use.
public struct CatalogSchemas: Sendable {
    /// The schemas of one connector.
    public struct Connector: Sendable {
        /// Of the endpoint's config: the document's root.
        public let config: CompiledSchema
        /// Of each binding's resource: the document's `$defs/resource`.
        public let resource: CompiledSchema
    }

    /// The catalog's own; nil where shapes are not checked.
    public let catalog: CompiledSchema?
    /// By connector name: `source-postgres`.
    public let connectors: [String: Connector]

    /// No schemas: only rules are checked.
    public init() {
        catalog = nil
        connectors = [:]
    }

    /// Compiles the documents: `catalog`, and each connector's under its name.
    public init(documents: [String: JSONValue]) throws(SchemaFaults) {
        var catalog: CompiledSchema?
        var connectors: [String: Connector] = [:]
        for (name, document) in documents {
            let uri = "schema:" + name
            var compiler = SchemaCompiler(.init(isStrict: false, assertsFormat: true))
            compiler.add(document, uri: uri)
            if name == SchemaName.catalog.rawValue {
                // What it refers to for editors is checked later, with the files that configs are given as.
                for other in SchemaName.allCases where other != .catalog {
                    compiler.add(["$defs": ["resource": true]], uri: "schema:" + other.fileName)
                }
                catalog = try compiler.compile(reference: uri)
            } else {
                let parts = try compiler.compile(references: [uri, uri + "#/$defs/resource"])
                connectors[name] = Connector(config: parts[0], resource: parts[1])
            }
        }
        self.catalog = catalog
        self.connectors = connectors
    }
}

import JSON

extension CatalogSchemas {
    /// The schemas that come with the program.
    public static let embedded: CatalogSchemas = {
        var documents: [String: JSONValue] = [:]
        for schema in SchemaName.allCases {
            // A test compiles every document, so none is left out.
            documents[schema.rawValue] = try? JSONValue(parsing: schema.bytes)
        }
        return (try? CatalogSchemas(documents: documents)) ?? CatalogSchemas()
    }()
}

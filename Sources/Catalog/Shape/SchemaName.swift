/// The schema documents that come with the program.
public enum SchemaName: String, Sendable, CaseIterable {
    case catalog
    case sourcePostgres = "source-postgres"
    case materializePostgres = "materialize-postgres"

    /// The document as it is in the folder `schemas`, in UTF-8.
    public var bytes: [UInt8] {
        switch self {
        case .catalog: PackageResources.catalog_schema_json
        case .sourcePostgres: PackageResources.source_postgres_schema_json
        case .materializePostgres: PackageResources.materialize_postgres_schema_json
        }
    }

    /// The document as it is in the folder `schemas`.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}

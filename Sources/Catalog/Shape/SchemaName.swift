/// The schema documents that come with the program.
public enum SchemaName: String, Sendable, CaseIterable {
    case catalog
    case sourcePostgres = "source-postgres"
    case materializePostgres = "materialize-postgres"

    /// The document as it is in the folder `schemas`.
    public var text: String { "{}\n" }
}

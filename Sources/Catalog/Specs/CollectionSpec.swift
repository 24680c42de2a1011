import YAML

/// A collection as written.
public struct CollectionSpec: Sendable {
    /// Its name.
    public let name: EntityName
    /// The key's pointers; those that are no strings are left out.
    public let key: [LocatedText]
    /// Schemas with files resolved; nil where not given or at fault.
    public let schema: Node?
    /// As `schema`.
    public let writeSchema: Node?
    /// As `schema`.
    public let readSchema: Node?
    /// The schemas made ready; of nothing until they have been checked.
    public internal(set) var model = CollectionModel.unknown

    /// The schema that rows are written by; nil where the source's table says it all.
    public var written: Node? { schema ?? writeSchema }

    /// Reads the value under a name.
    init(_ name: EntityName, _ files: LoadedCatalog) {
        self.name = name
        key = (name.node["key"]?.items ?? []).compactMap { LocatedText($0) }
        schema = name.node["schema"].flatMap(files.resolve)
        writeSchema = name.node["writeSchema"].flatMap(files.resolve)
        readSchema = name.node["readSchema"].flatMap(files.resolve)
    }
}

import Catalog
import JSON

/// What two catalogs are compared by.
public struct CatalogSnapshot: Sendable {
    /// A collection's part in the comparison.
    struct Collection: Sendable {
        let key: [String]
        /// What rows are written and read by; null where nothing is given.
        let schemas: [JSONValue]
        /// What they say of each location, in the same order.
        let outlines: [SchemaOutline]
    }

    /// The tasks.
    public let graph: CompiledGraph
    /// The collections in the order written.
    let collections: [(name: String, collection: Collection)]

    /// The parts of checked specifications.
    init(_ specs: CatalogSpecs) {
        graph = GraphCompiler.compile(specs)
        collections = specs.collections.map { spec in
            let schemas = [spec.schema ?? spec.writeSchema, spec.schema ?? spec.readSchema]
            return (
                spec.name.text,
                Collection(
                    key: spec.key.map(\.text), schemas: schemas.map { $0?.value ?? .null },
                    outlines: [spec.model.write, spec.model.read].map { $0?.outline ?? .empty })
            )
        }
    }
}

extension CatalogCompiler {
    /// What the catalog whose root is this file is compared by. Right only where the diagnostics hold no error.
    public mutating func snapshot(_ path: String) -> CatalogSnapshot { CatalogSnapshot(read(path)) }
}

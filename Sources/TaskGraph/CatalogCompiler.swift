import Catalog
import Diagnostics

/// Compiles catalog files: load, check, and turn into tasks. What several catalogs share is read and reported once.
public struct CatalogCompiler {
    /// What was found so far, over all files.
    public private(set) var diagnostics = DiagnosticCollector()
    private var reading: CatalogReading
    /// All files of the catalog that was compiled last.
    public var files: [SourceFile] { reading.files }

    /// A compiler that checks with these schemas.
    public init(schemas: CatalogSchemas = .embedded) {
        reading = CatalogReading(schemas: schemas)
    }

    /// The graph of the catalog whose root is this file; `-` is standard input.
    /// Right only where the diagnostics hold no error.
    public mutating func compile(_ path: String) -> CompiledGraph {
        GraphCompiler.compile(read(path))
    }

    /// The checked specifications of a catalog.
    mutating func read(_ path: String) -> CatalogSpecs { reading.read(path, &diagnostics) }
}

/// Compiles one catalog from its root file. The graph is right only where the diagnostics hold no error.
public func compileCatalog(
    path: String, schemas: CatalogSchemas = .embedded
) -> (graph: CompiledGraph, diagnostics: DiagnosticCollector) {
    var compiler = CatalogCompiler(schemas: schemas)
    let graph = compiler.compile(path)
    return (graph, compiler.diagnostics)
}

import Diagnostics
import YAML

/// A catalog's way from its root file to checked specifications.
public struct CatalogReading {
    private let schemas: CatalogSchemas
    private var loader = CatalogLoader()
    /// All files of the catalog that was read last.
    public private(set) var files: [SourceFile] = []

    /// A reading that shares what it reads between the catalogs of one run.
    public init(schemas: CatalogSchemas) {
        self.schemas = schemas
    }

    /// Loads and checks a catalog. What was found goes to the collector; the specifications are right without errors only.
    public mutating func read(_ path: String, _ diagnostics: inout DiagnosticCollector) -> CatalogSpecs {
        let files = loader.load(path, &diagnostics)
        self.files = Array(
            Set(files.documents.map(\.file)).union(files.roots.keys).union(files.schemas.values.map(\.file)))
        for document in files.documents { Self.checkShape(document, schemas, &diagnostics) }
        var specs = CatalogSpecs(files)
        for endpoint in specs.captures.map(\.endpoint) + specs.materializations.map(\.endpoint) {
            guard let config = endpoint.config else { continue }
            SecretMask.hide(config, endpoint.connector.flatMap { schemas.connectors[$0] }, &diagnostics)
        }
        specs.takeModels(CollectionSchemaCheck.run(specs, files, &diagnostics))
        CatalogRules.check(specs, &diagnostics)
        ConnectorCheck.run(specs, schemas, &diagnostics)
        return specs
    }

    private static func checkShape(
        _ document: Document, _ schemas: CatalogSchemas, _ diagnostics: inout DiagnosticCollector
    ) {
        guard let root = document.root, !root.isNull else { return }
        if let schema = schemas.catalog {
            ShapeCheck(schema: schema, leaves: RuleWording.covers).run(root, &diagnostics)
        }
        if let mappings = root.member("storageMappings") {
            diagnostics.report(UnsupportedRule.noEffect(mappings, "'storageMappings'"))
        }
    }
}

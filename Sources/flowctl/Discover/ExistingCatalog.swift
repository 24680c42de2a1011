import Catalog
import Diagnostics
import Glibc
import YAML

/// A catalog file that is there already: what it says, and its text for editing.
struct ExistingCatalog {
    let specs: CatalogSpecs
    let document: Document
    let diagnostics: DiagnosticCollector

    /// Nil where no file is named or none is there.
    static func load(_ path: String?) throws -> ExistingCatalog? {
        guard let path, path != "-", access(path, F_OK) == 0 else { return nil }
        var diagnostics = DiagnosticCollector()
        var reading = CatalogReading(schemas: .embedded)
        let specs = reading.read(path, &diagnostics)
        var again = DiagnosticCollector()
        let document = Document.parse(SourceFile(path: path, bytes: try WholeFile.read(path)), &again)
        return ExistingCatalog(specs: specs, document: document, diagnostics: diagnostics)
    }
}

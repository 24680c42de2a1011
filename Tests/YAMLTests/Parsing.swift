import Diagnostics
import JSON
import Testing
import YAML

/// A parsed text with its faults, for the tests of this folder.
struct Parsed {
    let document: Document
    let diagnostics: [Diagnostic]

    init(_ text: String, path: String = "a.yaml", limits: DocumentLimits = .standard) {
        self.init(Array(text.utf8), path: path, limits: limits)
    }

    init(_ bytes: [UInt8], path: String = "a.yaml", limits: DocumentLimits = .standard) {
        var collector = DiagnosticCollector()
        document = Document.parse(SourceFile(path: path, bytes: bytes), &collector, limits: limits)
        diagnostics = collector.diagnostics
    }

    var value: JSONValue? { document.root?.value }

    /// `FC0105 3:5 message`, one a diagnostic.
    var faults: [String] {
        diagnostics.map { "\($0.code) \($0.range?.start.line ?? 0):\($0.range?.start.column ?? 0) \($0.message)" }
    }

    /// The node at a pointer.
    func node(_ pointer: String) throws -> Node {
        let pointer = try #require(JSONPointer(parsing: pointer))
        return try #require(document.root?.find(pointer))
    }
}

import Catalog
import Diagnostics
import Foundation
import Testing

@Suite("the examples that explain shows")
struct ExampleTests {
    @Test("the bad one has the fault that its page is about", arguments: DiagnosticCode.catalogCodes)
    func bad(code: DiagnosticCode) throws {
        let found = try ExampleCatalog(code.bad).diagnostics()
        #expect(found.diagnostics.map(\.code).contains(code), "\(found.render(.human, files: 1))")
        let others = found.diagnostics.filter { $0.code != code && $0.severity == .error }
        #expect(others.isEmpty, "\(found.render(.human, files: 1))")
    }

    @Test("the mended one has no error, and that fault no more", arguments: DiagnosticCode.catalogCodes)
    func mended(code: DiagnosticCode) throws {
        let found = try ExampleCatalog(code.mended).diagnostics()
        #expect(!found.hasErrors && !found.diagnostics.map(\.code).contains(code), "\(found.render(.human, files: 1))")
    }

    @Test("both fit on a screen")
    func size() {
        for text in DiagnosticCode.catalogCodes.flatMap({ [$0.bad, $0.mended] }) {
            let lines = text.split(separator: "\n")
            #expect(lines.count <= 20 && lines.allSatisfy { $0.count <= 160 }, "\(text)")
        }
    }
}

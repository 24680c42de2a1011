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
        let schema = try SchemaCompiler(.specification).compile(try JSONValue(parsing: name.bytes))
        return schema.validate(try JSONValue(parsing: text)).map(\.description)
    }

    @Test("the program holds the documents of the folder schemas", arguments: SchemaName.allCases)
    func embedded(name: SchemaName) throws {
        let file = Self.schemas.appending(path: name.rawValue + ".schema.json")
        #expect(try String(contentsOf: file, encoding: .utf8) == name.text)
    }

    @Test("every property has a title, a description and an example", arguments: SchemaName.allCases)
    func annotated(name: SchemaName) throws {
        var lacking: [String] = []
        func visit(_ value: JSONValue, _ path: String) {
            if let object = value.objectValue {
                for entry in object {
                    let (key, member) = (entry.key, entry.value)
                    let place = path + "/" + key
                    if path.hasSuffix("/properties"), member.boolValue == nil {
                        for annotation in ["title", "description", "examples"]
                        where member[annotation] == nil && !path.contains("/then/") && !path.contains("/if/") {
                            lacking.append("\(place): \(annotation)")
                        }
                    }
                    if !["examples", "default"].contains(key) || path.hasSuffix("/properties") { visit(member, place) }
                }
            }
        }
        visit(try JSONValue(parsing: name.bytes), "")
        #expect(lacking == [])
    }

    @Test("every default and example is valid where it stands", arguments: SchemaName.allCases)
    func examples(name: SchemaName) throws {
        var compiler = SchemaCompiler(.init(isStrict: false, assertsFormat: true))
        compiler.add(try JSONValue(parsing: name.bytes), uri: "schema:it")
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
        try visit(try JSONValue(parsing: name.bytes), .root)
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

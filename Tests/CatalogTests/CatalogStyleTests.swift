import Catalog
import Diagnostics
import Foundation
import JSON
import Testing
import YAML

@Suite("the style of catalogs")
struct CatalogStyleTests {
    private func format(_ text: String) -> String? {
        var found = DiagnosticCollector()
        return CatalogStyle.format(SourceFile(path: "a.yaml", text: text), &found)
    }

    @Test("keys of tasks, bindings and collections stand in the documented order; configs and schemas keep theirs")
    func order() {
        let text = """
            collections:
              a/b: { schema: { type: object, required: [id], properties: { id: { type: integer } } }, key: [/id] }
            captures:
              a/source:
                shards: { disable: true }
                bindings:
                  # the orders
                  - target: a/b
                    # where they are
                    resource: { stream: b, namespace: public }
                endpoint: { connector: { config: { user: u, address: a }, image: i } }
            """
        #expect(
            format(text) == """
                captures:
                  a/source:
                    endpoint: { connector: { image: i, config: { user: u, address: a } } }
                    bindings:
                      # the orders
                      # where they are
                      - resource: { stream: b, namespace: public }
                        target: a/b
                    shards: { disable: true }

                collections:
                  a/b: { key: [/id], schema: { type: object, required: [id], properties: { id: { type: integer } } } }

                """)
    }

    @Test(
        "every property of the JSON Schema has its place",
        arguments: [
            ("capture", ["captures", "x"]), ("collection", ["collections", "x"]),
            ("materialization", ["materializations", "x"]), ("captureBinding", ["captures", "x", "bindings", "0"]),
            ("materializationBinding", ["materializations", "x", "bindings", "0"]), ("test", ["tests", "x"]),
            ("connector", ["captures", "x", "endpoint", "connector"]),
        ])
    func complete(definition: String, path: [String]) throws {
        let schema = try JSONValue(parsing: SchemaName.catalog.text)
        let properties = try #require(schema["$defs"]?[definition]?["properties"]?.objectValue)
        #expect(Set(CatalogStyle.order.find(path).keys) == Set(properties.keys))
    }

    @Test(
        "the catalogs that come with the program are in the style", arguments: ["shop.yaml", "shared/collections.yaml"])
    func shipped(name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "catalogs")
        let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        #expect(format(text) == text)
    }
}

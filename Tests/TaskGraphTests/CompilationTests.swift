import Catalog
import Connectors
import Diagnostics
import Foundation
import JSON
import TaskGraph
import TestSupport
import Testing

@Suite("compiling a catalog into tasks and links")
struct CompilationTests {
    private func compile(_ text: String) throws -> (graph: CompiledGraph, diagnostics: DiagnosticCollector) {
        let folder = TestFolder.place("catalog")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "flow.yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return compileCatalog(path: file.path)
    }

    private func compileValid(_ text: String) throws -> CompiledGraph {
        let (graph, diagnostics) = try compile(text)
        #expect(!diagnostics.hasErrors, "\(diagnostics.render(.human, files: 1))")
        return graph
    }

    private let config = "{ address: \"localhost:5432\", database: shop, user: u, password: p }"
    private let destination = "{ address: \"localhost:5432\", database: warehouse, user: u, password: p }"

    private func capture(_ name: String, _ bindings: String, more: String = "") -> String {
        """
          \(name):
            endpoint: { connector: { image: "ghcr.io/estuary/source-postgres:dev", config: \(config) } }
            \(more)
            bindings:
        \(bindings)

        """
    }

    private func materialization(_ name: String, _ bindings: String, more: String = "") -> String {
        """
          \(name):
            endpoint: { connector: { image: "materialize-postgres@sha256:00", config: \(destination) } }
            \(more)
            bindings: \(bindings)

        """
    }

    private var twoTables: String {
        "captures:\n"
            + capture(
                "shop/source",
                """
                      - { resource: { namespace: public, stream: orders }, target: shop/orders, backfill: 3 }
                      - { resource: { namespace: public, stream: gone }, target: shop/gone, disable: true }
                      - { resource: { namespace: sales, stream: items }, target: shop/items }
                """) + "collections: { shop/orders: { key: [/id] }, shop/items: { key: [/order, /line] } }\n"
    }

    /// The columns that a binding takes of `shop/orders`, by its schema, projections and fields.
    private func columns(_ fields: String, schema: String?, projections: String = "{}") throws -> ColumnSelection {
        let schema = schema.map { ", schema: { type: object, properties: { \($0) } }" } ?? ""
        let graph = try compileValid(
            "captures:\n"
                + capture(
                    "shop/source", "      - { resource: { stream: orders, namespace: public }, target: shop/orders }")
                + "collections: { shop/orders: { key: [/id], projections: \(projections)\(schema) } }\nmaterializations:\n"
                + materialization(
                    "shop/wh", "[ { source: shop/orders, resource: { table: orders }, fields: \(fields) } ]"))
        return graph.materializations[0].bindings[0].columns
    }

    private let known =
        "id: { type: integer }, name: { type: string }, note: { type: string }, never: false, \"a/b\": {}"

    @Test(
        "a schema chooses the columns, fields choose among them, and the key stays",
        arguments: [
            ("{ recommended: true }", ["id", "name", "note", "a/b"]),
            ("{ recommended: 1 }", ["id", "name", "note", "a/b"]),
            ("{ recommended: false }", ["id"]), ("{ recommended: 0, require: { note: {} } }", ["id", "note"]),
            ("{ recommended: true, exclude: [note, a~1b] }", ["id", "name"]),
            ("{ recommended: false, require: { _meta/op: {}, flow_published_at: {}, a~1b: {} } }", ["id", "a/b"]),
        ])
    func chosen(fields: String, expected: [String]) throws {
        #expect(try columns(fields, schema: known).only == expected)
    }

    @Test(
        "a collection that may be written with some columns only lets no other leave the source, whatever it is read by",
        arguments: [
            (
                "allOf: [{ $ref: \"flow://relaxed-write-schema\" }, { $ref: \"flow://inferred-schema\" }]",
                ["id", "name"], ["id", "name"]
            ),
            ("properties: { id: { type: integer }, secret: { type: string } }", ["id"], ["id"]),
        ])
    func closed(read: String, captured: [String], stored: [String]) throws {
        let write =
            "{ type: object, additionalProperties: false, required: [id], properties: { id: { type: integer }, name: {} } }"
        let graph = try compileValid(
            "captures:\n"
                + capture(
                    "shop/source", "      - { resource: { stream: orders, namespace: public }, target: shop/orders }")
                + "collections: { shop/orders: { key: [/id], writeSchema: \(write), readSchema: { type: object, required: [id], \(read) } } }\nmaterializations:\n"
                + materialization("shop/wh", "[ { source: shop/orders, resource: { table: orders } } ]"))
        #expect(graph.captures[0].bindings[0].columns == captured)
        #expect(graph.materializations[0].bindings[0].columns.only == stored)
    }

    @Test("a mode that appends is one, whether the binding or the endpoint says so")
    func appends() throws {
        func graph(_ resource: String, _ mode: String) throws -> CompiledGraph {
            try compileValid(
                "captures:\n"
                    + capture(
                        "shop/source",
                        "      - { resource: { stream: orders, namespace: public }, target: shop/orders }")
                    + "collections: { shop/orders: { key: [/id] } }\nmaterializations:\n"
                    + materialization("shop/wh", "[ { source: shop/orders, resource: { table: orders\(resource) } } ]")
                    .replacing("database: warehouse", with: "database: warehouse\(mode)"))
        }
        let insert = ", insertMode: insert"
        for (resource, mode, appends) in [
            ("", "", false), (insert, "", true), ("", insert, true), (", insertMode: upsert", insert, false),
            (", delta_updates: true", "", true),
        ] {
            #expect(
                try graph(resource, mode).materializations[0].bindings[0].deltaUpdates == appends, "\(resource) \(mode)"
            )
        }
    }

    @Test("without a schema all columns go on but those that are excluded")
    func open() throws {
        let selection = try columns("{ recommended: true, exclude: [note, address/city] }", schema: nil)
        #expect(selection == ColumnSelection(only: nil, excluded: ["note"].nameSet, names: [:]))
        #expect(selection.takes("address") && !selection.takes("note"))
        #expect(try columns("{ recommended: false, require: { name: {} } }", schema: nil).only == ["id", "name"])
    }

    @Test("a projection names its column, unless it is excluded or the column's own name is required")
    func renamed() throws {
        let projections = "{ title: /name, remark: /note }"
        #expect(
            try columns("{ recommended: true }", schema: known, projections: projections).names == [
                JSONKey("name"): "title", JSONKey("note"): "remark",
            ])
        let own = try columns(
            "{ recommended: true, require: { name: {} }, exclude: [remark, note] }", schema: known,
            projections: projections)
        #expect(own == ColumnSelection(only: ["id", "name", "a/b"], excluded: ["note"].nameSet, names: [:]))
    }

    @Test("a column that the schema blocks is never taken, whatever fields and projections ask for")
    func blocked() throws {
        let schema = known + ", token: { type: string, redact: { strategy: block } }"
        let selection = try columns(
            "{ recommended: true }", schema: schema, projections: "{ t: /token, again: /token }")
        #expect(selection.only == ["id", "name", "note", "a/b"])
        #expect(!selection.takes("token") && selection.names.isEmpty)
    }

    @Test("no other column may leave the source where the schema's root is closed")
    func closed() throws {
        for (more, expected) in [(", additionalProperties: false", ["id", "name"]), ("", nil)] as [(String, [String]?)]
        {
            let graph = try compileValid(
                "captures:\n"
                    + capture(
                        "shop/source",
                        "      - { resource: { stream: orders, namespace: public }, target: shop/orders }")
                    + "collections: { shop/orders: { key: [/id], schema: { type: object, properties: { name: {}, id: { type: integer } }\(more) } } }\n"
            )
            #expect(graph.captures[0].bindings[0].columns == expected)
        }
    }

    @Test("bindings that meet in a collection become a link's pairs, disabled ones left out")
    func links() throws {
        let graph = try compileValid(
            twoTables + "materializations:\n"
                + materialization(
                    "shop/warehouse",
                    "[ { source: shop/items, resource: { table: items, schema: s } }, { source: shop/orders, resource: { table: o, delta_updates: true } }, { source: shop/orders, resource: { table: x }, disable: true } ]"
                ))
        #expect(
            graph.links == [
                .init(
                    capture: 0, materialization: 0,
                    pairs: [
                        .init(captureBinding: 2, materializationBinding: 0),
                        .init(captureBinding: 0, materializationBinding: 1),
                    ])
            ])
        let bindings = graph.materializations[0].bindings
        #expect(bindings.map(\.schema) == ["s", "public", "public"])
        #expect(bindings.map(\.deltaUpdates) == [false, true, false])
        #expect(bindings[0].key == ["/order", "/line"])
        #expect(bindings[0].onIncompatibleSchemaChange == "abort")
        #expect(graph.captures[0].bindings.map(\.backfillCounter) == [3, 0, 0])
        #expect(graph.captures[0].bindings.map(\.index) == [0, 1, 2])
        #expect(graph.materializations[0].connector == "materialize-postgres")
    }

    @Test(
        "a source capture binds each table that it captures, named by its strategy",
        arguments: [
            ("source: shop/source", [("public", "orders"), ("public", "sales_items")]),
            (
                "sourceCapture: { capture: shop/source, targetNaming: noSchema }",
                [("public", "orders"), ("public", "items")]
            ),
            ("source: { capture: shop/source, targetNaming: withSchema }", [("public", "orders"), ("sales", "items")]),
            (
                "source: { capture: shop/source, targetNaming: prefixSchema }",
                [("public", "public_orders"), ("public", "sales_items")]
            ),
            (
                "source: shop/source\n    targetNaming: { strategy: singleSchema, schema: copy }",
                [("copy", "orders"), ("copy", "items")]
            ),
        ])
    func sourceCapture(source: String, expected: [(String, String)]) throws {
        let graph = try compileValid(
            twoTables + "materializations:\n" + materialization("shop/warehouse", "[]", more: source))
        let bindings = graph.materializations[0].bindings
        #expect(bindings.map(\.schema) == expected.map(\.0))
        #expect(bindings.map(\.table) == expected.map(\.1))
        #expect(graph.links.map(\.pairs.count) == [2])
    }

    @Test("a written binding, enabled or not, keeps the source capture from binding its collection again")
    func writtenBindingsWin() throws {
        let graph = try compileValid(
            twoTables + "materializations:\n"
                + materialization(
                    "shop/warehouse",
                    "[ { source: shop/orders, resource: { table: mine } }, { source: shop/items, resource: { table: x }, disable: true } ]",
                    more: "source: shop/source"))
        #expect(graph.materializations[0].bindings.map(\.table) == ["mine", "x"])
    }

    @Test("a disabled task has no link")
    func disabledTask() throws {
        let graph = try compileValid(
            twoTables + "materializations:\n"
                + materialization(
                    "shop/warehouse", "[ { source: shop/orders, resource: { table: o } } ]",
                    more: "shards: { disable: true }"))
        #expect(graph.links.isEmpty)
        #expect(graph.materializations[0].isDisabled)
    }

    @Test("two captures that write one collection both feed what reads it")
    func twoWriters() throws {
        let bindings = "      - { resource: { namespace: public, stream: orders }, target: shop/orders }"
        let graph = try compileValid(
            "captures:\n" + capture("shop/one", bindings)
                + capture("shop/two", bindings).replacing("localhost", with: "other")
                + "collections: { shop/orders: { key: [/id] } }\nmaterializations:\n"
                + materialization("shop/warehouse", "[ { source: shop/orders, resource: { table: o } } ]"))
        #expect(graph.links.map(\.capture) == [0, 1])
        #expect(graph.links.allSatisfy { $0.materialization == 0 && $0.pairs.count == 1 })
    }

    @Test("field selection is carried over")
    func fields() throws {
        let graph = try compileValid(
            twoTables + "materializations:\n"
                + materialization(
                    "shop/warehouse",
                    "[ { source: { name: shop/orders, notBefore: \"2026-01-01T00:00:00Z\" }, priority: 2, resource: { table: o }, fields: { recommended: 1, require: { a: { castToString: true } }, exclude: [b], groupBy: [id] } } ]"
                ))
        let binding = graph.materializations[0].bindings[0]
        #expect(binding.fields.recommendedDepth == 1)
        #expect(binding.fields.require.map(\.field) == ["a"])
        #expect(binding.fields.require.first?.config == ["castToString": true])
        #expect(binding.fields.exclude == ["b"])
        #expect(binding.fields.groupBy == ["id"])
        #expect(binding.priority == 2)
        #expect(binding.notBefore == "2026-01-01T00:00:00Z")
    }

    @Test("a catalog with an error still gives a graph, and says so")
    func faulty() throws {
        let (_, diagnostics) = try compile("captures: { a: 1 }\nmaterializations: [x]\ncollections: { c: null }\n")
        #expect(diagnostics.suppressed == 0)
    }

    @Test("every form of the graph is the same each time and names every task", arguments: GraphFormat.allCases)
    func forms(format: GraphFormat) throws {
        let text =
            twoTables + "materializations:\n"
            + materialization("shop/warehouse", "[ { source: shop/orders, resource: { table: o } } ]")
        let drawn = try compileValid(text).text(format)
        #expect(drawn == (try compileValid(text).text(format)))
        for name in ["shop/source", "shop/orders", "shop/warehouse"] { #expect(drawn.contains(name)) }
        #expect(!drawn.contains("password"))
    }
}

import Foundation
import Testing

@Suite("flowctl diff", .enabled(if: Program.executable != nil))
struct DiffCommandTests {
    private let program: Program

    private static let old = """
        captures:
          shop/source:
            endpoint:
              connector:
                image: source-postgres
                config: { address: "a:5432", database: shop, user: u, password: hunter2, advanced: { slotName: one } }
            bindings:
              - { resource: { namespace: public, stream: orders }, target: shop/orders }
              - { resource: { namespace: public, stream: items }, target: shop/items }
        collections:
          shop/orders: { key: [/id] }
          shop/items: { key: [/id] }
        materializations:
          shop/warehouse:
            endpoint:
              connector:
                image: materialize-postgres
                config: { address: "b:5432", database: wh, user: u, password: hunter2, schema: public }
            bindings:
              - { source: shop/orders, resource: { table: orders } }
              - { source: shop/items, resource: { table: items } }

        """

    init() throws {
        program = try Program()
        try program.write("old.yaml", Self.old)
    }

    private func diff(_ edits: [(String, String)]) throws -> Program.Outcome {
        var text = Self.old
        for (old, new) in edits { text = text.replacing(old, with: new) }
        #expect(text != Self.old)
        try program.write("new.yaml", text)
        return try program.run(["diff", "old.yaml", "new.yaml"])
    }

    @Test("a catalog that is only written in another way has no differences")
    func same() throws {
        try program.write("new.yaml", Self.old.replacing("[/id]", with: "[ '/id' ]"))
        let found = try program.run(["diff", "old.yaml", "new.yaml"])
        #expect(found.status == 0 && found.output == "no differences\n")
        #expect(try program.run(["diff", "-o", "json", "old.yaml", "new.yaml"]).output.isEmpty)
        program.remove()
    }

    @Test(
        "each kind of change has its effect and its words",
        arguments: [
            ("b:5432", "c:5432", "[backfill] materialization shop/warehouse has another address"),
            ("a:5432", "c:5432", "[backfill] capture shop/source has another address"),
            ("slotName: one", "slotName: two", "[backfill] capture shop/source has another advanced/slotName"),
            ("hunter2, advanced", "hunter3, advanced", "[restart] capture shop/source has another password"),
            (
                "shop/orders: { key: [/id] }", "shop/orders: { key: [/id, /day] }",
                "[destructive] collection shop/orders has the key [/id, /day] instead of [/id]\n    must be rebuilt: public.orders of 'shop/warehouse'"
            ),
            (
                "{ table: items }", "{ table: items, delta_updates: true }",
                "[destructive] materialization shop/warehouse, table public.items appends every change"
            ),
            (
                "{ table: items }", "{ table: things }",
                "[backfill] materialization shop/warehouse, table public.things takes the place of public.items"
            ),
            (
                "{ table: items } }", "{ table: items }, backfill: 1 }",
                "[destructive] materialization shop/warehouse, table public.items has the backfill counter 1 instead of 0"
            ),
            (
                "target: shop/items }", "target: shop/items, backfill: 2 }",
                "[backfill] capture shop/source, table public.items has the backfill counter 2 instead of 0"
            ),
            (
                "{ table: items } }", "{ table: items }, fields: { recommended: true, exclude: [secret] } }",
                "[restart] materialization shop/warehouse, table public.items leaves out secret"
            ),
            (
                "{ table: items }", "{ table: items, insertMode: insert }",
                "[destructive] materialization shop/warehouse, table public.items appends every change"
            ),
            (
                "{ table: items } }",
                "{ table: items }, fields: { recommended: true, require: { size: { DDL: text } } } }",
                "[destructive] materialization shop/warehouse, table public.items has another DDL for size"
            ),
            (
                "{ table: items } }", "{ table: items }, fields: { recommended: true, require: { _meta/op: {} } } }",
                "[restart] materialization shop/warehouse, table public.items tells _meta/op"
            ),
            (
                "      - { source: shop/items, resource: { table: items } }\n", "",
                "[restart] materialization shop/warehouse, table public.items is fed no longer"
            ),
            (
                "shop/orders: { key: [/id] }",
                "shop/orders: { key: [/id], schema: { type: object, required: [id], properties: { id: { type: integer } } } }",
                "[restart] collection shop/orders has another schema: 'id' is new"
            ),
            (
                "schema: public }\n", "schema: public, deleteMode: soft }\n",
                "[restart] materialization shop/warehouse has another deleteMode"
            ),
            (
                "captures:\n  shop/source:", "captures:\n  shop/spring:",
                "[backfill] capture shop/spring is new, with the endpoint of 'shop/source'"
            ),
            (
                "materializations:\n  shop/warehouse:\n",
                "materializations:\n  shop/warehouse:\n    shards: { disable: true }\n",
                "[restart] materialization shop/warehouse is disabled"
            ),
        ])
    func effects(old: String, new: String, line: String) throws {
        let found = try diff([(old, new)])
        #expect(found.status == 0, "\(found.errors)")
        #expect(found.output.contains(line), "\(found.output)")
        #expect(!found.output.contains("hunter"))
        program.remove()
    }

    @Test("of a schema each location is compared, and what is written for readers only is no difference")
    func schemas() throws {
        func catalog(_ name: String, _ schema: String) throws -> String {
            let text = "collections: { shop/orders: { key: [/id], schema: \(name).schema.yaml } }"
            try program.write("\(name).yaml", text)
            try program.write("\(name).schema.yaml", schema)
            return "\(name).yaml"
        }
        let old = try catalog(
            "one",
            """
            { type: object, required: [id], title: Orders, properties: { id: { type: integer }, gone: { type: string, enum: [a] },
              to: { type: object, properties: { city: { type: string }, zip: { type: integer } } } } }
            """)
        let told = try catalog(
            "told",
            """
            { type: object, required: [id], description: What was ordered, properties: { id: { type: integer, title: Number }, gone: { type: string, enum: [a] },
              to: { type: object, properties: { city: { type: string }, zip: { type: integer } } } } }
            """)
        let new = try catalog(
            "new",
            """
            { type: object, required: [id, to], properties: { id: { type: integer },
              to: { type: object, required: [city], properties: { city: { type: [string, "null"] }, zip: { type: string, format: integer } } },
              by: { type: object, properties: { name: { type: string } } } } }
            """)
        #expect(try program.run(["diff", old, told]).output == "no differences\n")
        #expect(
            try program.run(["diff", old, new]).output.hasPrefix(
                """
                [restart] collection shop/orders has another schema: 'to' must be there, 'to/city' must be there, \
                'to/city' can be string or null, 'to/zip' can be string, 'to/zip' has the format integer, 'by' is new, \
                'gone' is gone

                """))
        program.remove()
    }

    @Test("changes are objects for programs, the fields named as their subject")
    func json() throws {
        try program.write("new.yaml", Self.old.replacing("{ table: items }", with: "{ table: things }"))
        let found = try program.run(["diff", "-o", "json", "old.yaml", "new.yaml"])
        #expect(
            found.output == """
                {"effect": "backfill", "materialization": "shop/warehouse", "table": "public.things", \
                "change": "takes the place of public.items", \
                "meaning": "the new table is made and filled; the old one stays as it is"}

                """)
        program.remove()
    }

    @Test("an invalid side ends with 65 and its faults, a revision's named as such")
    func invalid() throws {
        try program.write("bad.yaml", "collections:\n  a/b: { key: [] }\n")
        let found = try program.run(["diff", "old.yaml", "bad.yaml"])
        #expect(found.status == 65 && found.output.isEmpty && found.errors.contains("--> bad.yaml:2"))
        #expect(try program.run(["diff", "none:old.yaml", "old.yaml"]).status == 65)
        program.remove()
    }

    @Test("revisions of git are compared with their own imports")
    func revisions() throws {
        func git(_ arguments: String...) throws {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"] + arguments
            process.currentDirectoryURL = program.folder
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(arguments)")
        }
        let start = try #require(Self.old.firstRange(of: "collections:\n")).lowerBound
        let end = try #require(Self.old.firstRange(of: "materializations:\n")).lowerBound
        try program.write(
            "catalogs/shop.yaml",
            "import: [parts/collections.yaml]\n" + String(Self.old[..<start]) + String(Self.old[end...]))
        try program.write("catalogs/parts/collections.yaml", String(Self.old[start..<end]))
        try git("init", "-q")
        try git("add", "catalogs")
        try git("commit", "-q", "-m", "First")
        try program.write(
            "catalogs/parts/collections.yaml",
            String(Self.old[start..<end]).replacing(
                "shop/items: { key: [/id] }", with: "shop/items: { key: [/number] }"))
        let expected = "[destructive] collection shop/items has the key [/number] instead of [/id]"
        let uncommitted = try program.run(["diff", "HEAD:catalogs/shop.yaml", "catalogs/shop.yaml"])
        #expect(uncommitted.output.contains(expected), "\(uncommitted.output)\(uncommitted.errors)")
        // From a folder of the repository that holds no catalog.
        try program.write("notes/.keep", "")
        let above = try program.shell("cd notes && \"$0\" diff HEAD:../catalogs/shop.yaml ../catalogs/shop.yaml")
        #expect(above.text.contains(expected), "\(above)")
        try git("commit", "-q", "-a", "-m", "Second")
        #expect(
            try program.run(["diff", "HEAD~1:./catalogs/shop.yaml", "HEAD:catalogs/shop.yaml"]).output.contains(
                expected))
        #expect(
            try program.run(["diff", "HEAD:catalogs/shop.yaml", "catalogs/shop.yaml"]).output == "no differences\n")
        let missing = try program.run(["diff", "HEAD:none.yaml", "catalogs/shop.yaml"])
        #expect(missing.status == 65 && missing.errors.contains("HEAD:none.yaml"), "\(missing.errors)")
        program.remove()
    }
}

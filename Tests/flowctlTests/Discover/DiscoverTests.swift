import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

@Suite("flowctl discover", .enabled(if: Program.executable != nil))
struct DiscoverTests {
    /// A database with a table of each kind that discovery must know.
    private final class Shop {
        let database: ConnectionParameters
        let folder: URL
        /// As long as a name may be: 63 bytes.
        static let longName = String(repeating: "ä", count: 31) + "x"

        init() throws {
            database = try TestServer.source.database("discover")
            folder = TestFolder.place("discover")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Connection(database).execute(
                """
                CREATE SCHEMA "Sales"; CREATE TYPE public.mood AS ENUM ('a', 'b'); CREATE DOMAIN public.mail AS varchar(80);
                CREATE TYPE public.span AS RANGE (subtype = float8);
                CREATE TABLE public.customers (id int PRIMARY KEY, name varchar(40) NOT NULL, mail public.mail,
                  mood public.mood, tags text[], doc jsonb, price numeric(10,2), seen timestamptz,
                  twice int GENERATED ALWAYS AS (id * 2) STORED);
                COMMENT ON TABLE public.customers IS 'People: "who" buy';
                COMMENT ON COLUMN public.customers.name IS 'Full name';
                CREATE TABLE "Sales"."Order Lines" (order_id bigint, "li/ne~no" int, qty int,
                  PRIMARY KEY (order_id, "li/ne~no"));
                CREATE TABLE public.nokey (a int);
                CREATE TABLE public.heap (a int); ALTER TABLE public.heap REPLICA IDENTITY FULL;
                CREATE TABLE public.picked (a int NOT NULL, b text);
                CREATE UNIQUE INDEX picked_a ON public.picked (a);
                ALTER TABLE public.picked REPLICA IDENTITY USING INDEX picked_a;
                CREATE TABLE public.arrays (k text[] PRIMARY KEY); CREATE TABLE public.json_keys (k jsonb PRIMARY KEY);
                CREATE TABLE public.mute (id int PRIMARY KEY); ALTER TABLE public.mute REPLICA IDENTITY NOTHING;
                CREATE UNLOGGED TABLE public.scratch (id int PRIMARY KEY);
                CREATE VIEW public.look AS SELECT 1 AS x;
                CREATE TABLE public.computed (a int, g int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY);
                CREATE TABLE public.spans (id int PRIMARY KEY, s public.span);
                CREATE TABLE public.days (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
                CREATE TABLE public.days_1 PARTITION OF public.days DEFAULT;
                CREATE TABLE public.users (id int PRIMARY KEY); CREATE TABLE public."Users" (id int PRIMARY KEY);
                CREATE TABLE public.\(id: Self.longName) (\(id: Self.longName) int PRIMARY KEY, "a ""b"" c" text);
                INSERT INTO public.users VALUES (1); INSERT INTO public."Users" VALUES (2), (3);
                INSERT INTO public.\(id: Self.longName) VALUES (7, 'x');
                INSERT INTO public.customers (id, name) SELECT i, 'n' || i FROM generate_series(1, 20) i;
                INSERT INTO "Sales"."Order Lines" VALUES (1, 1, 2), (1, 2, 3);
                INSERT INTO public.heap VALUES (1), (1);
                INSERT INTO public.days VALUES (1, '2024-05-05');
                """)
        }

        var url: String { "postgres://\(database.user):hush-hush@127.0.0.1:\(database.port)/\(database.database)" }

        func run(_ arguments: [String], environment: [String: String] = [:]) throws -> FlowctlProcess.Outcome {
            try FlowctlProcess.run(arguments, environment: environment, directory: folder, seconds: 120)
        }

        func text(_ file: String) throws -> String {
            try String(contentsOf: folder.appending(path: file), encoding: .utf8)
        }

        func write(_ file: String, _ text: String) throws {
            try text.write(to: folder.appending(path: file), atomically: true, encoding: .utf8)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }
    }

    @Test("what it writes is valid, says why tables are left out, and runs as it is; no password is in it")
    func endToEnd() throws {
        let shop = try Shop()
        defer { try? TestServers.dropSlots(of: shop.database) }
        let target = try TestServer.destination.database("discovered")
        let made = try shop.run([
            "discover", "--source", shop.url, "--materialize",
            "postgres://postgres:hush-hush@127.0.0.1:\(target.port)/\(target.database)", "shop.yaml",
        ])
        #expect(made.exitCode == 0)
        let text = try shop.text("shop.yaml")
        #expect(text.hasPrefix("# yaml-language-server: $schema="))
        #expect(!(text + made.output + made.errors).contains("hush"))
        for reason in [
            "public.nokey is left out: it has no primary key",
            "public.mute is left out: its replica identity is nothing",
            "public.scratch is left out: it is unlogged", "public.look is left out: it is a view",
            "public.computed is left out: its key has the generated column g", "public.spans is left out: its column s",
        ] {
            #expect(text.contains("# " + reason) && made.errors.contains("warning: " + reason), "\(reason)")
        }
        #expect(!text.contains("days_1"))
        #expect(try shop.run(["fmt", "--check", "shop.yaml"]).exitCode == 0)
        let valid = try shop.run(["validate", "shop.yaml"])
        #expect(valid.exitCode == 0 && valid.output.isEmpty, "\(valid.output)")
        try expectOtherValidator(shop)
        let name = EntityNames.variable(shop.database.database)
        let variables = [name: "x", EntityNames.variable(target.database): "x"]
        let applied = try shop.run(["apply", "--once", "shop.yaml"], environment: variables)
        #expect(applied.exitCode == 0, "\(applied.errors)")
        for (schema, table, columns, key) in [
            ("public", "customers", ["id", "name"], ["id"]),
            ("Sales", "Order Lines", ["order_id", "qty"], ["order_id"]),
            ("public", "days", ["id", "day"], ["id"]), ("public", "heap", ["a"], ["a"]),
            ("public", "users", ["id"], ["id"]), ("public", "Users", ["id"], ["id"]),
            ("public", Shop.longName, [Shop.longName, "a \"b\" c"], [Shop.longName]),
        ] {
            let difference = try tableDifference(
                TableAt(shop.database, schema, table), TableAt(target, schema, table), columns: columns, key: key)
            #expect(difference.isEmpty && difference.rows > 0, "\(table): \(difference)")
        }
        // What the pipeline made is no table to capture.
        let back = try shop.run([
            "discover", "--source", "postgres://postgres@127.0.0.1:\(target.port)/\(target.database)",
        ])
        #expect(back.exitCode == 0 && !back.output.contains("checkpoints"))
    }

    /// check-jsonschema says the same of it by the schema that flowctl prints. `make test` puts it under .build/tools.
    private func expectOtherValidator(_ shop: Shop) throws {
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
        let tool = root.appending(path: ".build/tools/check-jsonschema/bin/check-jsonschema")
        guard FileManager.default.isExecutableFile(atPath: tool.path) else { return }
        try shop.write("schema.json", shop.run(["schema"]).output)
        let log = shop.folder.appending(path: "validation").path
        try shop.write("validation", "")
        let run = try ChildProcess(
            tool.path, ["--schemafile", "schema.json", "shop.yaml"], folder: shop.folder.path, output: .file(log),
            errors: .file(log))
        #expect(run.wait() == 0, "\((try? shop.text("validation")) ?? "")")
    }

    @Test("columns and keys get the schema of their types")
    func schemas() throws {
        let shop = try Shop()
        let text = try shop.run(["discover", "--source", shop.url]).output
        for line in [
            #"key: [/order_id, /li~1ne~0no]"#, #"description: "People: \"who\" buy""#,
            #"id: { type: integer, description: "(source type: non-nullable integer)" }"#,
            #"description: "Full name (source type: non-nullable character varying(40))""#, "maxLength: 40",
            #"mail: { type: [string, "null"], maxLength: 80, description: "(source type: public.mail)" }"#,
            #"mood: { type: [string, "null"], description: "(source type: public.mood)" }"#,
            #"tags: { type: [array, "null"], items: { type: [string, "null"] }, description: "(source type: text[])" }"#,
            #"price: { type: [string, "null"], format: number, description: "(source type: numeric(10,2))" }"#,
            #"resource: { namespace: public, stream: heap, mode: Without Primary Key }"#,
        ] {
            #expect(text.contains(line), "\(line)")
        }
        #expect(!text.contains("twice: {"))
    }

    @Test("editing a file in place keeps its comments and layout, adds only what is new, and nothing twice")
    func inPlace() throws {
        let shop = try Shop()
        try shop.write(
            "flow.yaml",
            """
            # Ours; don't reorder.
            x-password: &password { env: SECRET }   # kept
            captures:
              shop/db:
                endpoint:
                  connector:
                    image: source-postgres
                    config: { address: "127.0.0.1:\(shop.database.port)", database: \(shop.database.database), user: postgres, password: *password }
                bindings:
                - resource: { namespace: public, stream: customers }   # the first
                  target: shop/people
                # the end of the bindings
            collections:
                shop/people: { key: [/id] } # four spaces
            # the end
            """)
        let arguments = [
            "discover", "flow.yaml", "--capture", "shop/db", "--tables", "public.d*", "Sales.*", "customers",
        ]
        let first = try shop.run(arguments, environment: ["SECRET": "x"])
        #expect(first.exitCode == 0, "\(first.errors)")
        let text = try shop.text("flow.yaml")
        #expect(
            text.contains("customers }   # the first\n      target: shop/people\n    - resource: { namespace: Sales"))
        #expect(text.contains("      target: public/days\n    # the end of the bindings\n"))
        #expect(text.contains("# four spaces\n    sales/order_lines:\n      key: [/order_id"))
        #expect(text.hasSuffix("\n# the end"))
        #expect(!text.contains("public/customers"))
        let valid = try shop.run(["validate", "flow.yaml"])
        #expect(valid.exitCode == 0 && !valid.output.contains("error"), "\(valid.output)")
        #expect(try shop.run(arguments, environment: ["SECRET": "x"]).exitCode == 0)
        #expect(try shop.text("flow.yaml") == text)
    }

    @Test("JSON and flow style are edited as what they are")
    func flowStyle() throws {
        let shop = try Shop()
        let config =
            #"{"address": "127.0.0.1:\#(shop.database.port)", "database": "\#(shop.database.database)", "user": "postgres", "password": "x"}"#
        let capture = #""endpoint": {"connector": {"image": "source-postgres", "config": \#(config)}}, "bindings": []"#
        try shop.write("one.json", #"{"captures": {"shop/db": {\#(capture)}}}"#)
        try shop.write("two.yaml", "captures: { shop/db: {\(capture)} }\ncollections: {}\n")
        for file in ["one.json", "two.yaml"] {
            let run = try shop.run(["discover", "--capture", "shop/db", "--tables", "customers", "days", file])
            #expect(run.exitCode == 0, "\(run.errors)")
            let valid = try shop.run(["validate", file])
            #expect(valid.exitCode == 0, "\(valid.output)")
            let text = try shop.text(file)
            #expect(
                text.contains(
                    #"{"resource": {"namespace": "public", "stream": "customers"}, "target": "public/customers"}"#))
            if file.hasSuffix("json") {
                #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) is [String: Any])
            }
            let again = try shop.run(["discover", "--capture", "shop/db", "--tables", "customers", "days", file])
            #expect(again.exitCode == 0)
            #expect(try shop.text(file) == text)
        }
    }

    @Test("a list of tables takes schemas and tables; a row that matches nothing is named")
    func list() throws {
        let shop = try Shop()
        try shop.write("tables.csv", "Sales\r\npublic.days\r\n\r\npublic.none\r\n")
        let run = try shop.run([
            "discover", "--source", shop.url, "--tables-csv", "tables.csv", "--prefix", "acme/", "--prefix-database",
        ])
        #expect(run.exitCode == 0)
        let path = "acme/" + shop.database.database
        #expect(
            run.output.contains("\n  \(path)/sales/order_lines:\n") && run.output.contains("\n  \(path)/public/days:\n")
        )
        #expect(!run.output.contains("customers"))
        #expect(run.errors.contains("warning: no table matches list row public.none"))
    }

    @Test("rows of a list are names, quoted or not, and nothing else")
    func listRows() throws {
        let text = "\u{FEFF}public\nsales.a.b\n\"Odd, one.x\"\n\"S\".\"T\"\"q\"\n"
        #expect(
            try TableListFile.rows(text) == [
                .init(schema: "public", table: nil), .init(schema: "sales", table: "a.b"),
                .init(schema: "Odd, one", table: "x"), .init(schema: "S", table: "T\"q"),
            ])
        for wrong in ["a,b", ".x", "x.", "\"a"] {
            #expect(throws: TableListFault.self) { try TableListFile.rows(wrong) }
        }
    }

    @Test("no capture of that name, no server, and a wrong command line end as documented")
    func failures() throws {
        let shop = try Shop()
        try shop.write("flow.yaml", "captures: {}\n")
        #expect(try shop.run(["discover", "--capture", "shop/db", "flow.yaml"]).exitCode == 69)
        #expect(try shop.run(["discover"]).exitCode == 64)
        let refused = try shop.run(["discover", "--source", "postgres://a:hush@127.0.0.1:1/x"])
        #expect(refused.exitCode != 0 && !refused.errors.contains("hush"))
        try shop.write("bad.yaml", "captures: []\n")
        #expect(try shop.run(["discover", "--source", shop.url, "bad.yaml"]).exitCode == 65)
    }
}

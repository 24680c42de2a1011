import Foundation
import Postgres
import TestSupport
import Testing

/// What a catalog asks for and `apply` doesn't do is refused at its line, before anything is connected to.
@Suite("what apply doesn't follow yet")
struct UnfollowedTests {
    /// Nothing listens at the addresses: a run that got as far as connecting would say so.
    private static func catalog(
        source: String = "", destination: String = "", capture: String = "", resource: String = "", table: String = "",
        binding: String = "", task: String = "", from: String = "a/orders", database: String = "warehouse"
    ) -> String {
        """
        captures:
          a/source:
            \(capture)
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:1", user: u, password: hunter2\(source) }
            bindings:
              - { resource: { namespace: public, stream: orders\(resource) }, target: a/orders }
        collections:
          a/orders:
            key: [/id]
            schema: { type: object, required: [id], properties: { id: { type: integer }, name: { type: string } } }
        materializations:
          a/sink:
            \(task)
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:1", database: \(database), user: u, password: hunter2\(destination) }
            bindings:
              - { source: \(from), resource: { table: orders\(table) }\(binding) }
        """
    }

    private static let refused: [(String, String)] = [
        (
            "source.partitions",
            catalog(from: "{ name: a/orders, partitions: { include: { region: [eu] } } }").replacing(
                "key: [/id]", with: "key: [/id]\n    projections: { region: { location: /name, partition: true } }")
        ),
        ("autoDiscover.addNewBindings", catalog(capture: "autoDiscover: { addNewBindings: true }")),
        (
            "dbt_job_trigger",
            catalog(destination: ", dbt_job_trigger: { job_id: '1', account_id: '2', api_key: hunter2 }")
        ),
    ]

    @Test("ends apply with 69 and its line, and is a warning of validate", arguments: refused)
    func refusal(property: String, catalog: String) throws {
        let program = try Program()
        try program.write("catalog.yaml", catalog)
        let name = String(property.split(separator: ".").last ?? "")
        let line = 1 + (catalog.components(separatedBy: "\n").firstIndex { $0.contains(name + ":") } ?? -1)
        let applied = try program.run(["apply", "--once", "catalog.yaml"])
        #expect(applied.status == 69)
        #expect(applied.errors.contains("error[FC0310]: '\(property)' of "), "\(applied.errors)")
        #expect(applied.errors.contains("catalog.yaml:\(line):") && applied.errors.contains("1 error"))
        #expect(!applied.errors.contains("hunter2") && !applied.errors.contains("127.0.0.1:1 "))
        let validated = try program.run(["validate", "catalog.yaml"])
        #expect(validated.status == 0)
        #expect(validated.output.contains("warning[FC0310]: '\(property)'"), "\(validated.output)")
        program.remove()
    }

    @Test(
        "what no column can hold, and what would be stored as it is although it is to be redacted, ends apply",
        arguments: [
            (": { type: string", ": { type: string, redact: { strategy: sha256 }", "'redact' of collection 'a/orders'"),
            (": { type: string", ": { properties: { first: { redact: { strategy: block } } }", "'redact'"),
            (": { type: string }", ": { type: object, properties: { first: {} } }", "field 'name/first' is required"),
            ("table: orders }", "table: orders }", "field 'flow_document' is required, and apply stores no whole"),
        ])
    func parts(old: String, new: String, message: String) throws {
        let program = try Program()
        let field = message.contains("field '") ? message.split(separator: "'")[1] : "name"
        let fields = ", fields: { recommended: true, require: { \(field): {} } }"
        try program.write("catalog.yaml", Self.catalog(binding: fields).replacing(old, with: new))
        let applied = try program.run(["apply", "--once", "catalog.yaml"])
        #expect(applied.status == 69, "\(applied)")
        #expect(applied.errors.contains("error[FC0310]: \(message)"), "\(applied.errors)")
        #expect(try program.run(["validate", "catalog.yaml"]).status == 0)
        program.remove()
    }

    @Test("is no matter where the value stands for what is done")
    func sameAsDone() throws {
        let program = try Program()
        let advanced =
            "advanced: { slotName: s, watermarksTable: public.m, failoverSlot: false, binaryHandling: bytes }"
        try program.write(
            "catalog.yaml",
            Self.catalog(
                source: ", historyMode: false, \(advanced)",
                destination: ", tasks: 1, hardDelete: true, schema: s, advanced: { toast: lookup }",
                capture: "autoDiscover: { addNewBindings: false }", resource: ", syncMode: incremental, mode: Normal",
                table: ", delta_updates: false, adopt: true",
                binding: ", fields: { recommended: true, require: { name: {} } }, priority: 2",
                task: "onIncompatibleSchemaChange: disableBinding"))
        let outcome = try program.run(["validate", "catalog.yaml"])
        #expect(outcome.status == 0 && !outcome.output.contains("FC0310"), "\(outcome)")
        program.remove()
    }

    @Test("a table of the mode Only Changes gets no present rows, and all later changes")
    func onlyChanges() throws {
        let (source, destination) = try TestServers.freshDatabases("onlychanges")
        let capturing = try Connection(source)
        try capturing.execute(
            "CREATE TABLE public.orders (id int PRIMARY KEY, name text); INSERT INTO public.orders VALUES (1, 'old')")
        let program = try Program()
        let text = Self.catalog(
            source: ", database: \(source.database), advanced: { slotName: \(source.database) }",
            resource: ", mode: Only Changes", database: destination.database)
        let halves = text.components(separatedBy: "127.0.0.1:1\"")
        try program.write(
            "catalog.yaml",
            "\(halves[0])127.0.0.1:\(source.port)\"\(halves[1])127.0.0.1:\(destination.port)\"\(halves[2])"
                .replacing("user: u", with: "user: postgres"))
        for id in [2, 3] {
            let outcome = try program.run(["apply", "--once", "catalog.yaml"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            try capturing.execute("INSERT INTO public.orders VALUES (\(raw: String(id)), 'new')")
        }
        let stored = try Connection(destination).query(
            "SELECT string_agg(id::text, ',' ORDER BY id) FROM public.orders")
        #expect(stored[0, 0] == "2")
        capturing.close()
        try TestServers.drop(source)
        program.remove()
    }
}

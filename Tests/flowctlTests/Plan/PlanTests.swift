import Foundation
import Postgres
import TestSupport
import Testing

@Suite("flowctl plan", .enabled(if: Program.executable != nil))
struct PlanTests {
    private typealias Table = PipelineFolder.Table

    private func plan(_ folder: PipelineFolder, _ tables: [Table], _ arguments: [String] = []) throws -> PlanOutput {
        let file = try folder.write(tables)
        return try PlanOutput(
            FlowctlProcess.run(["plan", "--detailed-exitcode", "-o", "json"] + arguments + [file], seconds: 60))
    }

    /// A plan that leaves both databases as they are.
    private func planUntouched(_ folder: PipelineFolder, _ tables: [Table]) throws -> PlanOutput {
        let before = try (LoggedServer.fingerprint(folder.source), LoggedServer.fingerprint(folder.destination))
        let plan = try plan(folder, tables)
        #expect(try LoggedServer.fingerprint(folder.source) == before.0)
        #expect(try LoggedServer.fingerprint(folder.destination) == before.1)
        return plan
    }

    /// Applies, and compares what the servers were sent with a plan.
    private func apply(_ plan: PlanOutput, _ folder: PipelineFolder, _ tables: [Table], _ more: [String] = []) throws {
        let mark = try LoggedServer.mark()
        let outcome = try folder.apply(tables, ["--once"] + more)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        for (side, database) in [("source", folder.source), ("destination", folder.destination)] {
            let sent = try LoggedServer.definitions(in: database.database, since: mark)
            let planned = plan.definitions(side)
            #expect(sent == planned, "sent only: \(sent.filter { !planned.contains($0) })")
            #expect(planned.filter { !sent.contains($0) } == [])
        }
    }

    @Test(
        "a plan changes nothing, and the servers are sent what it says, statement for statement: for new databases, and after changes of the source and the catalog"
    )
    func sameStatements() throws {
        let (source, destination) = try (LoggedServer.database("plan_s"), LoggedServer.database("plan_d"))
        let folder = try PipelineFolder(
            source, destination, slot: source.database, advanced: ["heartbeat": ["interval": "5m", "mode": "table"]])
        let (admin, there) = try (Connection(source), Connection(destination))
        try admin.execute(
            """
            CREATE TYPE public.mood AS ENUM ('sad', 'glad'); CREATE DOMAIN public.few AS int CHECK (VALUE < 10);
            CREATE TABLE public.orders (id int PRIMARY KEY, mood public.mood, few public.few,
              twice int GENERATED ALWAYS AS (id * 2) STORED);
            CREATE TABLE public.moods (id int PRIMARY KEY, mood public.mood, gone text);
            CREATE TABLE public.old (a int, b text, c text NOT NULL, PRIMARY KEY (a, b));
            INSERT INTO public.orders SELECT i, 'sad', 1 FROM generate_series(1, 100) i;
            INSERT INTO public.moods VALUES (1, 'glad', 'x'); INSERT INTO public.old VALUES (1, 'b', 'c'); ANALYZE
            """)
        try there.execute(
            "CREATE TABLE public.old (a bigint NOT NULL, b text NOT NULL, own int NOT NULL); CREATE SCHEMA copies")
        var tables = [
            Table(schema: "public", name: "orders", key: ["id"]),
            Table(schema: "public", name: "moods", key: ["id"], isDelta: true, destination: "moods_log"),
            Table(schema: "public", name: "old", key: ["a", "b"]),
        ]
        let first = try planUntouched(folder, tables)
        #expect(first.exitCode == 2)
        #expect(
            first.changes("source").contains {
                $0["object"] as? String == #"heartbeat table "public"."streamkap_heartbeat""#
            })
        #expect(first.changes("source").contains { ($0["sql"] as? String ?? "").hasPrefix("CREATE_REPLICATION_SLOT") })
        #expect(first.summary("destroy") == 0)
        #expect(first.summary("rows") == 102)
        #expect((first.summary("bytes") ?? 0) > 8000)
        try apply(first, folder, tables)
        let again = try planUntouched(folder, tables)
        #expect(again.exitCode == 0, "\(again.object)")
        #expect(again.definitions("destination").isEmpty)

        try admin.execute("ALTER TYPE public.mood ADD VALUE 'calm'")
        try admin.execute(
            """
            ALTER TABLE public.orders ADD extra text NOT NULL DEFAULT 'e';
            ALTER TABLE public.old RENAME c TO d;
            ALTER TABLE public.moods DROP gone; CREATE TABLE public.later (id uuid PRIMARY KEY);
            INSERT INTO public.orders (id, mood) VALUES (1000, 'calm'); INSERT INTO public.moods VALUES (2, 'calm');
            INSERT INTO public.old VALUES (2, 'b', 'd')
            """)
        tables.append(Table(schema: "public", name: "later", key: ["id"]))
        let second = try planUntouched(folder, tables)
        #expect(second.exitCode == 2)
        let sql = second.definitions("destination")
        #expect(sql.contains { $0.contains("RENAME COLUMN \"c\" TO \"d\"") }, "\(sql)")
        #expect(sql.contains { $0.contains("ADD VALUE") && $0.contains("calm") }, "\(sql)")
        #expect(second.definitions("source").count == 1)
        #expect(second.backfills().map { $0["table"] as? String } == ["public.later"])
        try apply(second, folder, tables)
        #expect(try plan(folder, tables).exitCode == 0)
    }

    @Test("what would be destroyed is named; apply refuses it without leave, and does exactly that with it")
    func destruction() throws {
        let (source, destination) = try (LoggedServer.database("plan_s"), LoggedServer.database("plan_d"))
        let folder = try PipelineFolder(source, destination, slot: source.database)
        let (admin, there) = try (Connection(source), Connection(destination))
        try admin.execute("CREATE TABLE public.a (id int PRIMARY KEY, v int); INSERT INTO public.a VALUES (1, 1)")
        try admin.execute("CREATE TABLE public.b (id int PRIMARY KEY, v int); INSERT INTO public.b VALUES (1, 1)")
        var tables = [
            Table(schema: "public", name: "a", key: ["id"]), Table(schema: "public", name: "b", key: ["id"]),
        ]
        #expect(try folder.apply(tables).exitCode == 0)
        // One takes the source's columns as it is, the other one has to be made anew.
        try admin.execute("ALTER TABLE public.b ALTER v TYPE text")
        tables[0].rebuild = 1
        tables[1].rebuild = 1
        let plan = try planUntouched(folder, tables)
        let destroyed = plan.changes("destination").filter { $0["effect"] as? String == "destroy" }
        #expect(
            destroyed.map { $0["sql"] as? String } == [#"TRUNCATE "public"."a""#, #"DROP TABLE "public"."b""#])
        #expect(plan.backfills().map { $0["reason"] as? String } == ["rebuilt", "rebuilt"])
        let refused = try folder.apply(tables)
        #expect(refused.exitCode == 69)
        #expect(refused.output.contains("--allow-destructive"))
        #expect(try there.query("SELECT count(*) FROM public.a")[0, 0] == "1")
        try apply(plan, folder, tables, ["--allow-destructive"])
        #expect(try self.plan(folder, tables).exitCode == 0)
        #expect(try there.query("SELECT v || 'x' FROM public.b")[0, 0] == "1x")
    }

    @Test(
        "a plan in a file is applied as long as it holds; a catalog or a database that moved is refused with what moved"
    )
    func planFile() throws {
        let (source, destination) = try (LoggedServer.database("plan_s"), LoggedServer.database("plan_d"))
        let folder = try PipelineFolder(source, destination, slot: source.database)
        let admin = try Connection(source)
        try admin.execute("CREATE TABLE public.a (id int PRIMARY KEY); INSERT INTO public.a VALUES (1)")
        let tables = [Table(schema: "public", name: "a", key: ["id"])]
        let catalog = try folder.write(tables)
        let text = try String(contentsOfFile: catalog, encoding: .utf8).replacing("\"none\"", with: "\"sesame\"")
        try text.write(toFile: catalog, atomically: true, encoding: .utf8)
        let file = folder.folder.appending(path: "plan.json").path
        func run(_ arguments: String...) throws -> FlowctlProcess.Outcome {
            try FlowctlProcess.run(arguments, directory: folder.folder, seconds: 60)
        }
        #expect(try run("plan", "--out", file, catalog).exitCode == 0)
        #expect(try !String(contentsOfFile: file, encoding: .utf8).contains("sesame"))

        try admin.execute("ALTER TABLE public.a ADD v text")
        let moved = try run("apply", "--once", file)
        #expect(moved.exitCode == 69)
        #expect(moved.errors.contains("to do besides: ") && moved.errors.contains("\"v\" text"), "\(moved.errors)")
        #expect(try admin.query("SELECT FROM pg_publication").count == 0)

        #expect(try run("plan", "--out", file, catalog).exitCode == 0)
        try (text + "\n").write(toFile: catalog, atomically: true, encoding: .utf8)
        let edited = try run("apply", "--once", file)
        #expect(edited.exitCode == 69)
        #expect(edited.errors.contains("flow.json has changed"), "\(edited.errors)")

        try text.replacing("sesame", with: "simsim").write(toFile: catalog, atomically: true, encoding: .utf8)
        try admin.execute("INSERT INTO public.a SELECT generate_series(2, 500); ANALYZE public.a")
        let applied = try run("apply", "--once", file)
        #expect(applied.exitCode == 0, "\(applied.errors)")
        #expect(try Connection(destination).query("SELECT count(*) FROM public.a")[0, 0] == "500")
        #expect(try run("apply", "--once", file).exitCode == 69)

        // Where something is unmet no plan is left, the older one neither; and what is no plan is nobody's to replace.
        try Connection(destination).execute("CREATE RULE lost AS ON DELETE TO public.a DO INSTEAD NOTHING")
        let unmet = try run("plan", "--out", file, catalog)
        #expect(unmet.exitCode == 69 && unmet.errors.contains("no plan was written to \(file)"), "\(unmet.errors)")
        #expect(unmet.output.contains("SQL: DROP RULE \"lost\""), "\(unmet.output)")
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(try run("plan", "--out", catalog, catalog).exitCode == 64)
        #expect(try String(contentsOfFile: catalog, encoding: .utf8).contains("simsim"))
    }

    @Test(
        "for roles without rights it says all the same what is to be done, by whom, and what mends it; nothing is made")
    func withoutRights() throws {
        let pair = try TwoRoles(
            "plan_rights", tables: "orders",
            definition: "CREATE TABLE public.orders (id int PRIMARY KEY); REVOKE ALL ON SCHEMA public FROM PUBLIC")
        try Connection(pair.source).execute("CREATE ROLE \(id: pair.reader) LOGIN")
        try Connection(pair.target).execute("CREATE ROLE \(id: pair.writer) LOGIN")
        let before = try (LoggedServer.fingerprint(pair.source), LoggedServer.fingerprint(pair.target))
        let outcome = try pair.run("plan", "-o", "json")
        #expect(!(outcome.output + outcome.errors).contains("sesame"))
        let plan = try PlanOutput(outcome)
        #expect(plan.exitCode == 69)
        for (side, object) in [
            ("source", #"publication "flow_publication""#),
            ("source", "replication slot \"slot_\(pair.source.database)\""),
            ("destination", #"schema "flow""#), ("destination", #"table "copies"."orders""#),
        ] {
            let change = plan.changes(side).first { $0["object"] as? String == object }
            #expect(change?["by"] as? String == "administrator", "\(object) in \(plan.object)")
        }
        #expect(plan.prerequisites.contains { ($0["sql"] as? String ?? "").hasPrefix("ALTER ROLE") })
        let text = try pair.run("plan")
        #expect(text.exitCode == 69)
        #expect(
            text.output.contains("an administrator must run it") && text.output.contains("unmet, and what mends it"))
        #expect(try LoggedServer.fingerprint(pair.source) == before.0)
        #expect(try LoggedServer.fingerprint(pair.target) == before.1)
    }
}

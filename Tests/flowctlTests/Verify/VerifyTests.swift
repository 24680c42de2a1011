import Foundation
import JSON
import Postgres
import Runtime
import Synchronization
import TestSupport
import Testing

@Suite("flowctl verify")
struct VerifyTests {
    /// A catalog whose tables come out in other shapes than the source has them.
    private func catalog(_ source: ConnectionParameters, _ destination: ConnectionParameters) throws -> String {
        let file = TestFolder.place("verify.yaml")
        try """
        captures:
          v/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres, password: none,
                          advanced: { slotName: \(source.database) } }
            bindings:
              - { resource: { namespace: public, stream: plain }, target: v/plain }
              - { resource: { namespace: "Odd \\"one\\" x", stream: "Täble" }, target: v/odd }
              - { resource: { namespace: public, stream: wide }, target: v/wide }
              - { resource: { namespace: public, stream: named }, target: v/named }
        collections:
          v/plain: { key: [/id] }
          v/odd: { key: [/KEY, "/two words"] }
          v/wide: { key: [/id] }
          v/named:
            key: [/address]
            schema:
              type: object
              required: [address]
              properties: { address: { type: string }, flag: { type: [boolean, "null"] }, label: { type: [string, "null"] } }
            projections: { renamed: /label }
        materializations:
          v/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none }
            bindings:
              - { source: v/plain, resource: { table: plain } }
              - { source: v/plain, resource: { table: log, delta_updates: true } }
              - { source: v/plain, resource: { table: soft, deleteMode: soft } }
              - { source: v/odd, resource: { schema: "Odd \\"one\\" x", table: "Täble" } }
              - { source: v/wide, resource: { table: wide } }
              - source: v/named
                resource: { table: named }
                fields:
                  recommended: true
                  require: { address: { castToString: true }, flag: { castToString: true } }
        """.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    private static let tables: SQL = """
        CREATE TABLE public.plain (id int PRIMARY KEY, note text, amount numeric(10,2),
          twice numeric GENERATED ALWAYS AS (amount * 2) STORED);
        INSERT INTO public.plain SELECT g, CASE WHEN g % 7 > 0 THEN 'note ' || g END, g / 8.0 FROM generate_series(1, 45000) g;
        CREATE SCHEMA "Odd ""one"" x";
        CREATE TABLE "Odd ""one"" x"."Täble" ("KEY" text COLLATE "C", "two words" date, "Value" float8, "VALUE" jsonb,
          PRIMARY KEY ("KEY", "two words"));
        INSERT INTO "Odd ""one"" x"."Täble" SELECT 'k''' || g, date '2024-01-01' + g, g / 3.0, jsonb_build_object('a b', g)
          FROM generate_series(1, 3000) g;
        CREATE TABLE public.wide (id smallint PRIMARY KEY, d date, r real, v varchar(5), j jsonb, b bpchar(6), row int4range);
        INSERT INTO public.wide SELECT g, date '2024-01-01' + g, g / 3.0, g, jsonb_build_array(g), g, int4range(g, g + 1)
          FROM generate_series(1, 500) g;
        INSERT INTO public.wide (id) VALUES (0);
        CREATE TABLE public.named (address inet PRIMARY KEY, flag boolean, label char(5));
        INSERT INTO public.named SELECT '10.0.0.0'::inet + g, g % 2 = 0, g FROM generate_series(1, 1000) g
        """
    /// Another shape than the source's, made by somebody else.
    private static let wider: SQL = """
        CREATE TABLE public.wide (id bigint PRIMARY KEY, j json, d timestamp, r float8, v text, own text DEFAULT 'mine',
          b bpchar(6), row int4range)
        """

    @Test("proves equal what comes in other shapes, and finds each kind of difference in it", .timeLimit(.minutes(10)))
    func differences() throws {
        let (source, destination) = try TestServers.freshDatabases("verifying")
        defer {
            try? TestServers.drop(source)
            try? TestServers.drop(destination)
        }
        let here = try Connection(source)
        let there = try Connection(destination)
        try here.execute(Self.tables)
        try there.execute(Self.wider)
        let file = try catalog(source, destination)

        let early = try FlowctlProcess.run(["verify", file])
        #expect(early.exitCode == 69)
        #expect(early.output.contains("public.plain: unproven: nothing was copied yet"), "\(early)")

        let first = try FlowctlProcess.run(["apply", "--once", "-o", "json", file], seconds: 120)
        try #require(first.exitCode == 0, "\(first)")
        try here.execute(
            """
            DELETE FROM public.plain WHERE id % 1000 = 1; UPDATE public.plain SET note = NULL WHERE id % 500 = 0;
            UPDATE public.named SET address = address + 5000 WHERE host(address) LIKE '%.7'
            """)
        let second = try FlowctlProcess.run(["apply", "--once", "-o", "json", file], seconds: 120)
        try #require(second.exitCode == 0, "\(second)")
        let soft = try there.query("SELECT count(*) FROM public.soft WHERE \"_meta/op\" = 'd'")
        #expect(soft[0, 0] == "45")

        let equal = try FlowctlProcess.run(["verify", file])
        #expect(equal.exitCode == 0, "\(equal)")
        #expect(equal.output.contains("public.plain: equal, 44955 rows\n"))
        #expect(equal.output.contains("public.plain -> public.log: not verified: append-only"))
        #expect(equal.output.contains("Odd \"one\" x.Täble: equal, 3000 rows"))
        let summary = equal.output.split(separator: "\n").last.map(String.init) ?? ""
        #expect(summary.hasPrefix("5 of 5 tables equal, 94411 rows, at LSN "), "\(summary)")
        #expect(summary.hasSuffix("; 1 not verified"))

        try there.execute(
            """
            DELETE FROM public.plain WHERE id IN (2, 44999);
            INSERT INTO public.plain (id, note) VALUES (-5, 'secret'), (1001, NULL), (99999, 'x');
            UPDATE public.plain SET note = '', amount = amount + 1 WHERE id = 7;
            UPDATE public.soft SET note = note || ' ' WHERE id = 30003;
            UPDATE public.soft SET "_meta/op" = 'd' WHERE id = 12;
            UPDATE "Odd ""one"" x"."Täble" SET "VALUE" = '{"a b": 4.0}' WHERE "KEY" = 'k''4';
            INSERT INTO public.wide (id) VALUES (-1), (4000000);
            UPDATE public.named SET renamed = 'zz' WHERE address = '10.0.0.9';
            INSERT INTO public.named (address) VALUES ('not an address');
            DELETE FROM public.named WHERE address = '10.0.0.11'
            """)
        let found = try FlowctlProcess.run(["verify", "-o", "json", "--timeout", "10", file])
        #expect(found.exitCode == 1, "\(found)")
        var keys: [String: [String]] = [:]
        for line in found.output.split(separator: "\n") {
            let object = try JSONValue(parsing: String(line))
            for entry in object["keys"]?.arrayValue ?? [] {
                let key =
                    entry["key"]?.objectValue?.members.map { $0.value.stringValue ?? "" }.joined(separator: "/") ?? ""
                let columns = entry["columns"]?.arrayValue?.compactMap(\.stringValue).joined(separator: ",") ?? ""
                keys[object["table"]?.stringValue ?? "", default: []].append(
                    "\(entry["kind"]?.stringValue ?? "") \(key) \(columns)")
            }
        }
        #expect(
            keys["public.plain"]?.sorted() == [
                "differs 7 note,amount,twice", "extra -5 ", "extra 1001 ", "extra 99999 ", "missing 2 ",
                "missing 44999 ",
            ])
        #expect(keys["public.soft"]?.sorted() == ["differs 30003 note", "missing 12 "])
        #expect(keys["Odd \"one\" x.Täble"] == ["differs k'4/2024-01-05 VALUE"])
        #expect(keys["public.wide"]?.sorted() == ["extra -1 ", "extra 4000000 "])
        #expect(
            keys["public.named"]?.sorted() == ["differs 10.0.0.9 label", "extra not an address ", "missing 10.0.0.11 "])
        #expect(!found.output.contains("secret") && !found.errors.contains("secret"))

        let few = try FlowctlProcess.run(["verify", "--keys", "1", "--timeout", "10", file])
        #expect(few.exitCode == 1)
        #expect(few.output.contains("  and 5 more\n"), "\(few)")

        // What the destination has not been given yet is no difference.
        try here.execute("UPDATE public.wide SET v = 'new' WHERE id = 3")
        try there.execute("DELETE FROM public.wide WHERE id IN (-1, 4000000)")
        let behind = try FlowctlProcess.run(["verify", "--timeout", "0", file])
        #expect(behind.output.contains("public.wide: unproven: the destination is"), "\(behind)")
        #expect(behind.output.contains("of the source's log behind"))
    }

    @Test(
        "finds no difference under traffic that moves keys and never leaves a row alone, and one that is there",
        .timeLimit(.minutes(10)))
    func traffic() throws {
        let (source, destination) = try TestServers.freshDatabases("verifytraffic")
        let pipeline = try PipelineFolder(source, destination, slot: source.database)
        let here = try Connection(source)
        try here.execute(
            """
            CREATE TABLE public.rows (id int PRIMARY KEY, n int, note text);
            INSERT INTO public.rows SELECT g, 0, repeat('x', g % 50) FROM generate_series(1, 30000) g;
            CREATE TABLE public.hot (id text PRIMARY KEY, n bigint); INSERT INTO public.hot VALUES ('a', 0), ('b', 0)
            """)
        let file = try pipeline.write([
            PipelineFolder.Table(schema: "public", name: "rows", key: ["id"]),
            PipelineFolder.Table(schema: "public", name: "hot", key: ["id"]),
        ])
        let runner = try FlowctlProcess(["apply", "-o", "json", file])
        defer { runner.kill9() }
        try #require(runner.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(runner.errors)")

        let isOver = Atomic<Bool>(false)
        let writer = try Connection(source)
        let eye = try Connection(destination)
        let writers = ThreadGroup(onFailure: { _ in })
        writers.spawn("traffic") {
            var random = SeededRandom(seed: 11)
            func count(_ connection: Connection) throws -> Int {
                try connection.query("SELECT n FROM public.hot WHERE id = 'a'")[0, 0].flatMap { Int($0) } ?? 0
            }
            var round = 0
            while !isOver.load(ordering: .acquiring) {
                round += 1
                // Traffic that the machine can follow.
                while round % 20 == 0, try count(writer) > count(eye) + 200, !isOver.load(ordering: .acquiring) {
                    usleep(5000)
                }
                let id = Int.random(in: 1...30000, using: &random)
                // A flag that goes to and fro, a counter, rows that come and go, keys that move.
                try writer.execute(
                    """
                    BEGIN; UPDATE public.hot SET n = CASE id WHEN 'a' THEN n + 1 ELSE 1 - n END;
                    UPDATE public.rows SET n = n + 1 WHERE id BETWEEN \(id) AND \(id + 3);
                    DELETE FROM public.rows WHERE id = \(id + 50007);
                    UPDATE public.rows SET id = id + 50000 WHERE id = \(id + 7);
                    INSERT INTO public.rows VALUES (\(id + 7), 1, 'new') ON CONFLICT DO NOTHING; COMMIT
                    """)
            }
        }
        defer {
            isOver.store(true, ordering: .releasing)
            #expect(throws: Never.self) { try writers.join() }
        }
        let before = try here.query("SELECT n FROM public.hot WHERE id = 'a'")[0, 0].flatMap { Int($0) } ?? 0
        var after = before
        var runs = 0
        while runs < 3 || after - before < 500 {
            let outcome = try FlowctlProcess.run(["verify", file])
            try #require(outcome.exitCode == 0, "\(outcome) \(runner.errors)")
            #expect(outcome.output.contains("2 of 2 tables equal"))
            runs += 1
            after = try here.query("SELECT n FROM public.hot WHERE id = 'a'")[0, 0].flatMap { Int($0) } ?? 0
        }

        let there = try Connection(destination)
        try there.execute(
            "INSERT INTO public.rows VALUES (-1, 1, 'nobody wrote this'); DELETE FROM public.hot WHERE id = 'none'")
        let outcome = try FlowctlProcess.run(["verify", file])
        #expect(outcome.exitCode == 1, "\(outcome)")
        #expect(outcome.output.contains("  extra  id = -1\n"))
        #expect(outcome.output.contains("1 extra there\n"))
        #expect(outcome.output.contains("1 of 2 tables equal"))
    }
}

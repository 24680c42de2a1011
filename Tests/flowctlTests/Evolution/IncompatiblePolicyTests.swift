import Foundation
import Postgres
import TestSupport
import Testing

/// `onIncompatibleSchemaChange`: what a link does about a table that can't follow its source.
@Suite("policies for tables that can't follow")
struct IncompatiblePolicyTests {
    /// Two tables, of which `a` has the policy.
    private struct Pair {
        let source: ConnectionParameters
        let destination: ConnectionParameters
        let admin: Connection
        let catalog: URL

        init(_ policy: String) throws {
            (source, destination) = try TestServers.freshDatabases("policy")
            admin = try Connection(source)
            for table in ["a", "b"] {
                try admin.execute(
                    """
                    CREATE TABLE public.\(raw: table) (id int PRIMARY KEY, n int, w bigint);
                    INSERT INTO public.\(raw: table) SELECT i, i, i FROM generate_series(1, 50) i
                    """)
            }
            catalog = TestFolder.place("policy.yaml")
            try """
            collections: { p/a: { key: [/id] }, p/b: { key: [/id] } }
            captures:
              p/source:
                endpoint:
                  connector:
                    image: source-postgres:dev
                    config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                              password: none, advanced: { slotName: \(source.database) } }
                bindings:
                  - { resource: { namespace: public, stream: a }, target: p/a }
                  - { resource: { namespace: public, stream: b }, target: p/b }
            materializations:
              p/sink:
                endpoint:
                  connector:
                    image: materialize-postgres:dev
                    config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                              password: none }
                bindings:
                  - { source: p/a, resource: { table: a }, onIncompatibleSchemaChange: \(policy) }
                  - { source: p/b, resource: { table: b } }
            """.write(to: catalog, atomically: true, encoding: .utf8)
        }

        func start() throws -> FlowctlProcess {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            #expect(apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)")
            return apply
        }

        func once() throws -> FlowctlProcess.Outcome {
            try FlowctlProcess.run(["apply", "--once", "-o", "json", catalog.path])
        }

        /// Whether a table is the same at both ends.
        func isEqual(_ table: String) throws -> Bool {
            let sum: SQL = "SELECT md5(string_agg(ROW(id, n, w)::text, ',' ORDER BY id)) FROM public.\(id: table)"
            let here = try admin.query(sum)[0, 0]
            guard let there = try? Connection(destination).query(sum)[0, 0] else { return false }
            return here == there
        }

        func end() throws {
            admin.close()
            try TestServers.drop(source)
            try TestServers.drop(destination)
            try FileManager.default.removeItem(at: catalog)
        }
    }

    private static let changes = [
        "ALTER TABLE public.a ALTER COLUMN n TYPE text USING 'n' || n, ALTER COLUMN w TYPE int",
        "ALTER TABLE public.a ADD COLUMN f float8 DEFAULT random()",
        "ALTER TABLE public.a DROP COLUMN w; ALTER TABLE public.a ADD COLUMN w bigint DEFAULT 3",
    ]

    @Test(
        "backfill: the table is read again, while it streams and at the next start", arguments: changes, [false, true])
    func backfill(change: String, isDown: Bool) throws {
        let pair = try Pair("backfill")
        let apply = try pair.start()
        if isDown {
            apply.interrupt()
            #expect(apply.waitForExit(seconds: 60) == 0)
        }
        try pair.admin.execute("\(raw: change)")
        try pair.admin.execute("INSERT INTO public.a VALUES (100, 1, 1); UPDATE public.b SET n = 7 WHERE id = 3")
        if isDown {
            let outcome = try pair.once()
            #expect(outcome.exitCode == 0, "\(outcome.errors)\(outcome.output)")
        } else {
            #expect(eventually(seconds: 60) { (try? pair.isEqual("a")) == true }, "\(apply.errors)\(apply.output)")
            #expect(eventually(seconds: 60) { (try? pair.isEqual("b")) == true })
            apply.interrupt()
            #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        }
        #expect(try pair.isEqual("a") && pair.isEqual("b"))
        try pair.admin.execute("UPDATE public.a SET n = n WHERE id = 5; DELETE FROM public.a WHERE id = 6")
        #expect(try pair.once().exitCode == 0)
        #expect(try pair.isEqual("a"))
        try pair.end()
    }

    @Test(
        "backfill: of changes that come one after the other in the log, the older ones stop no table that has the newest already"
    )
    func successive() throws {
        let pair = try Pair("backfill")
        #expect(try pair.once().exitCode == 0)
        for change in [
            "ALTER TABLE public.a ALTER COLUMN w TYPE text USING 'w' || w; UPDATE public.a SET w = 'text' WHERE id = 3",
            "ALTER TABLE public.a ALTER COLUMN w TYPE numeric(9,3) USING id; UPDATE public.a SET w = 0.125 WHERE id = 4",
            "UPDATE public.b SET n = 7 WHERE id = 3",
            "ALTER TABLE public.a ALTER COLUMN w TYPE int USING id; INSERT INTO public.a VALUES (100, 1, 1)",
        ] { try pair.admin.execute("\(raw: change)") }
        let outcome = try pair.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)\(outcome.output)")
        #expect(try pair.isEqual("a") && pair.isEqual("b"))
        try pair.end()
    }

    @Test("backfill: a table is read again as often as it can't follow in one run")
    func often() throws {
        let pair = try Pair("backfill")
        let apply = try pair.start()
        for number in 1...5 {
            try pair.admin.execute(
                "ALTER TABLE public.a DROP COLUMN w; ALTER TABLE public.a ADD COLUMN w bigint DEFAULT 3")
            try pair.admin.execute("INSERT INTO public.a VALUES (\(raw: String(60000 + number)), 2, 1)")
            let isEqual = eventually(seconds: 60) { (try? pair.isEqual("a")) == true }
            #expect(isEqual, "\(apply.errors)\(apply.output)")
            guard isEqual else { break }
        }
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        try pair.end()
    }

    @Test(
        "disableBinding: the table stays, the others go on, now and later, until it is read again",
        arguments: [false, true])
    func disableBinding(isCounterRaised: Bool) throws {
        let pair = try Pair("disableBinding")
        let apply = try pair.start()
        try pair.admin.execute("ALTER TABLE public.a ALTER COLUMN n TYPE text USING 'n' || n")
        try pair.admin.execute("INSERT INTO public.a VALUES (100, 1, 1); UPDATE public.b SET n = 7 WHERE id = 3")
        #expect(eventually(seconds: 60) { (try? pair.isEqual("b")) == true }, "\(apply.errors)\(apply.output)")
        let said = apply.waitForLine(seconds: 60) { $0.contains("onIncompatibleSchemaChange: disableBinding") }
        #expect(said != nil, "\(apply.output)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
        try pair.admin.execute("UPDATE public.b SET n = 8 WHERE id = 3; UPDATE public.a SET n = 'x' WHERE id = 3")
        let second = try pair.once()
        #expect(second.exitCode == 0, "\(second.errors)")
        #expect(try pair.isEqual("b"))
        let there = try Connection(pair.destination)
        #expect(try there.query("SELECT count(*), max(n) FROM public.a")[0, 1] == "50")
        #expect(
            try there.query(
                "SELECT phase, error LIKE '%no wider form%' FROM flow.bindings WHERE destination_table = 'a'")[
                    0, 0] == "disabled")
        let status = try FlowctlProcess.run(["status", pair.catalog.path])
        #expect((status.output + status.errors).contains("disabled"), "\(status)")
        if isCounterRaised {
            let text = try String(contentsOf: pair.catalog, encoding: .utf8)
            try text.replacing("{ source: p/a,", with: "{ source: p/a, backfill: 1,")
                .write(to: pair.catalog, atomically: true, encoding: .utf8)
        } else {
            try there.execute(
                """
                TRUNCATE public.a; ALTER TABLE public.a DROP COLUMN n;
                DELETE FROM flow.bindings WHERE destination_table = 'a'
                """)
        }
        there.close()
        let mended = try FlowctlProcess.run(["apply", "--once", "--allow-destructive", pair.catalog.path])
        #expect(mended.exitCode == 0, "\(mended.errors)")
        #expect(try pair.isEqual("a"))
        try pair.end()
    }

    @Test(
        "disableTask: the materialization stops, another of the capture goes on, and a raised counter takes it up again"
    )
    func disableTask() throws {
        let pair = try Pair("disableTask")
        let other = try TestServer.destination.database("policy_other")
        try
            (String(contentsOf: pair.catalog, encoding: .utf8) + """

                  p/other:
                    endpoint:
                      connector:
                        image: materialize-postgres:dev
                        config: { address: "127.0.0.1:\(other.port)", database: \(other.database), user: postgres, password: none }
                    bindings:
                      - { source: p/b, resource: { table: b } }
                """).write(to: pair.catalog, atomically: true, encoding: .utf8)
        func third(_ database: ConnectionParameters) -> String? {
            try? Connection(database).query("SELECT n FROM public.b WHERE id = 3")[0, 0]
        }
        let apply = try pair.start()
        #expect(eventually(seconds: 60) { third(other) == "3" && third(pair.destination) == "3" }, "\(apply.errors)")
        try pair.admin.execute("ALTER TABLE public.a ALTER COLUMN n TYPE text USING 'n' || n")
        try pair.admin.execute("INSERT INTO public.a VALUES (100, 'x', 1)")
        try pair.admin.execute("UPDATE public.b SET n = 7 WHERE id = 3")
        #expect(eventually(seconds: 60) { third(other) == "7" }, "\(apply.errors)\(apply.output)")
        #expect(eventually(seconds: 60) { apply.lines.contains { $0.contains("no wider form") } }, "\(apply.output)")
        try pair.admin.execute("UPDATE public.b SET n = 8 WHERE id = 3")
        #expect(eventually(seconds: 60) { third(other) == "8" }, "\(apply.errors)\(apply.output)")
        // The whole task stops, with the tables that could go on.
        #expect(third(pair.destination) == "3")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 69, "\(apply.errors)")

        try pair.admin.execute("UPDATE public.b SET n = 9 WHERE id = 3")
        let second = try pair.once()
        #expect(second.exitCode == 69 && second.errors.contains("no wider form"), "\(second.errors)")
        #expect(third(other) == "9" && third(pair.destination) == "3")
        try String(contentsOf: pair.catalog, encoding: .utf8).replacing(
            "{ source: p/a,", with: "{ source: p/a, backfill: 1,"
        )
        .write(to: pair.catalog, atomically: true, encoding: .utf8)
        let mended = try FlowctlProcess.run(["apply", "--once", "--allow-destructive", pair.catalog.path])
        #expect(mended.exitCode == 0, "\(mended.errors)")
        #expect(try pair.isEqual("a") && pair.isEqual("b"))
        #expect(third(other) == "9")
        try pair.end()
        try TestServers.drop(other)
    }

    @Test("abort, the default: nothing is changed, and the statements that are named have the table read again")
    func abort() throws {
        let pair = try Pair("abort")
        #expect(try pair.once().exitCode == 0)
        try pair.admin.execute("\(raw: Self.changes[0])")
        try pair.admin.execute("INSERT INTO public.a VALUES (100, 1, 1)")
        let refused = try FlowctlProcess.run(["apply", "--once", pair.catalog.path])
        #expect(refused.exitCode == 69)
        let there = try Connection(pair.destination)
        #expect(try there.query("SELECT count(*) FROM public.a")[0, 0] == "50")
        let hint = try #require(refused.errors.firstRange(of: "at the destination, "), "\(refused.errors)")
        try there.execute("\(raw: String(refused.errors[hint.upperBound...].prefix { $0 != "\n" }))")
        there.close()
        let mended = try pair.once()
        #expect(mended.exitCode == 0, "\(mended.errors)")
        #expect(try pair.isEqual("a"))
        try pair.end()
    }
}

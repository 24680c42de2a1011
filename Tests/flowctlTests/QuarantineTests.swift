import Foundation
import Postgres
import TestSupport
import Testing

/// Rows that a destination refuses: what `onRowError` does, and `flowctl retry`.
@Suite("rows that a destination refuses")
struct QuarantineTests {
    /// Tables between two databases, each with a policy of its own.
    private final class Pipeline {
        let source: ConnectionParameters
        let destination: ConnectionParameters
        let admin: Connection
        let target: Connection
        let catalog: URL
        /// The destination's user.
        var user = "postgres"

        init() throws {
            (source, destination) = try TestServers.freshDatabases("quarantine")
            admin = try Connection(source)
            target = try Connection(destination)
            catalog = TestFolder.place("quarantine.yaml")
        }

        /// `tables`: name, what its resource says besides, and what its capture's binding does.
        func write(_ tables: [(name: String, resource: String)], backfill: [String: Int] = [:]) throws {
            let sources = Set(tables.map { $0.name.split(separator: " ")[0] }).sorted()
            try """
            collections: { \(sources.map { "q/\($0): { key: [/id] }" }.joined(separator: ", ")) }
            captures:
              q/source:
                endpoint:
                  connector:
                    image: source-postgres:dev
                    config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                              password: none, advanced: { slotName: \(source.database) } }
                bindings:
            \(sources.map { "      - { resource: { namespace: public, stream: \($0) }, target: q/\($0), backfill: \(backfill[String($0)] ?? 0) }\n" }.joined())
            materializations:
              q/sink:
                endpoint:
                  connector:
                    image: materialize-postgres:dev
                    config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: \(user),
                              password: none, onRowError: quarantine }
                bindings:
            \(tables.map { entry in
                let words = entry.name.split(separator: " ")
                return "      - { source: q/\(words[0]), resource: { table: \(words[words.count - 1])\(entry.resource) } }\n"
            }.joined())
            """.write(to: catalog, atomically: true, encoding: .utf8)
        }

        func once() throws -> FlowctlProcess.Outcome {
            try FlowctlProcess.run(["apply", "--once", "-o", "json", catalog.path])
        }

        func start() throws -> FlowctlProcess {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            #expect(
                apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)\(apply.output)")
            return apply
        }

        func retry(_ more: [String] = []) throws -> FlowctlProcess.Outcome {
            try FlowctlProcess.run(["retry", "-o", "json"] + more + [catalog.path])
        }

        func value(_ sql: String) throws -> String? { try target.query("\(raw: sql)")[0, 0] }

        /// What is parked of a table: changes, where there is a park.
        func parked(_ table: String) throws -> Int? {
            let rows = try target.query("SELECT changes FROM flow.parks WHERE destination_table = \(literal: table)")
            return rows.count == 0 ? nil : rows[0, 0].flatMap { Int($0) }
        }

        func isEqual(_ table: String, _ other: String? = nil) throws -> Bool {
            func sum(_ name: String) -> SQL {
                "SELECT concat(count(*), md5(string_agg(t::text, ',' ORDER BY id))) FROM public.\(raw: name) t"
            }
            guard let there = try? target.query(sum(other ?? table))[0, 0] else { return false }
            return try admin.query(sum(table))[0, 0] == there
        }

        func end() throws {
            admin.close()
            target.close()
            try TestServers.drop(source)
            try TestServers.drop(destination)
            try FileManager.default.removeItem(at: catalog)
        }
    }

    private static let tables: SQL = """
        CREATE TABLE public.a (id int PRIMARY KEY, n int, big text); ALTER TABLE public.a ALTER big SET STORAGE EXTERNAL;
        INSERT INTO public.a SELECT i, i, repeat('x', 4000) || i FROM generate_series(1, 40) i;
        CREATE TABLE public.b (id int PRIMARY KEY, n int); INSERT INTO public.b SELECT i, i FROM generate_series(1, 40) i
        """

    @Test("a parked table that has to be read again stays parked, and the others go on; retry says what mends it")
    func parkedAndMissing() throws {
        let pipeline = try Pipeline()
        try pipeline.admin.execute(Self.tables)
        try pipeline.write([("a", ""), ("b", "")])
        #expect(try pipeline.once().exitCode == 0)
        try pipeline.target.execute("ALTER TABLE public.a ADD CONSTRAINT small CHECK (n < 1000)")
        let apply = try pipeline.start()
        try pipeline.admin.execute("UPDATE public.a SET n = 5000 WHERE id = 2")
        #expect(try eventually(seconds: 120) { try pipeline.parked("a") == 1 })
        try pipeline.admin.execute("ALTER TABLE public.a ADD z float8 DEFAULT random()")
        try pipeline.admin.execute("UPDATE public.a SET n = 3 WHERE id = 2")
        let phase = "SELECT phase FROM flow.bindings WHERE destination_table = 'a'"
        #expect(try eventually(seconds: 120) { try pipeline.value(phase) == "disabled" }, "\(apply.errors)")
        try pipeline.admin.execute("INSERT INTO public.b VALUES (100, 1)")
        #expect(try eventually(seconds: 120) { try pipeline.isEqual("b") }, "\(apply.errors)")
        #expect(try pipeline.parked("a") != nil)
        let status = try FlowctlProcess.run(["status", pipeline.catalog.path])
        #expect(status.output.contains("a volatile default"), "\(status.output)")
        #expect(status.output.contains("raise `backfill` of the table's binding in capture q/source to 1"))
        let retried = try pipeline.retry()
        #expect(retried.exitCode == 69 && retried.output.contains("raise `backfill`"), "\(retried.output)")
        #expect(try pipeline.parked("a") != nil)
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)

        try pipeline.write([("a", ""), ("b", "")], backfill: ["a": 1])
        let mended = try pipeline.once()
        #expect(mended.exitCode == 0, "\(mended.errors)")
        #expect(try pipeline.isEqual("a") && pipeline.parked("a") == nil)
        try pipeline.end()
    }

    @Test("halt: the run stops with the constraint's name, and nothing of the transaction is there")
    func halt() throws {
        let pipeline = try Pipeline()
        try pipeline.admin.execute(Self.tables)
        try pipeline.write([("a", ", onRowError: halt"), ("b", "")])
        #expect(try pipeline.once().exitCode == 0)
        try pipeline.target.execute("ALTER TABLE public.a ADD CONSTRAINT small CHECK (n < 1000)")
        try pipeline.admin.execute("UPDATE public.b SET n = 7 WHERE id = 1; UPDATE public.a SET n = 5000 WHERE id = 2")
        let outcome = try pipeline.once()
        #expect(outcome.exitCode == 69)
        #expect(outcome.output.contains("check constraint \\\"small\\\" of table public.a"), "\(outcome.output)")
        #expect(outcome.output.contains("23514") && !outcome.output.contains("5000"))
        #expect(try pipeline.value("SELECT count(*) FROM public.a WHERE n = 5000") == "0")
        try pipeline.end()
    }

    @Test("a table is parked in order while others go on, through kills, and drained while the runner runs")
    func parksAndDrains() throws {
        let pipeline = try Pipeline()
        try pipeline.admin.execute(Self.tables)
        try pipeline.write([("a", ""), ("b", "")])
        #expect(try pipeline.once().exitCode == 0)
        try pipeline.target.execute(
            """
            ALTER TABLE public.a ADD CONSTRAINT small CHECK (n < 1000);
            CREATE ROLE \(id: "reader_" + pipeline.destination.database);
            GRANT USAGE ON SCHEMA flow TO \(id: "reader_" + pipeline.destination.database);
            GRANT SELECT ON flow.checkpoints TO \(id: "reader_" + pipeline.destination.database)
            """)
        let apply = try pipeline.start()
        try pipeline.admin.execute(
            "BEGIN; UPDATE public.a SET n = 5000 WHERE id = 2; UPDATE public.b SET n = 7 WHERE id = 1; COMMIT")
        #expect(apply.waitForLine(seconds: 60) { $0.contains("the table is parked") } != nil, "\(apply.output)")
        // All kinds of changes, the large values of some left out by the log.
        try pipeline.admin.execute(
            """
            UPDATE public.a SET n = n + 1 WHERE id > 30; UPDATE public.a SET id = id + 100 WHERE id BETWEEN 3 AND 6;
            DELETE FROM public.a WHERE id = 7; INSERT INTO public.a VALUES (7, 3, 'again'), (500, NULL, '');
            ALTER TABLE public.a ADD COLUMN w text DEFAULT 'd'; UPDATE public.a SET w = 'é\\''' WHERE id = 8;
            ALTER TABLE public.a RENAME COLUMN n TO amount; INSERT INTO public.a VALUES (501, 1, 'y', NULL);
            UPDATE public.b SET n = 8 WHERE id = 2
            """)
        // A reader with no more than its grants waits for its own write, and sees it.
        let place = try #require(try pipeline.admin.query("SELECT pg_current_wal_insert_lsn()")[0, 0])
        let waited = try pipeline.target.query(
            """
            SET ROLE \(id: "reader_" + pipeline.destination.database);
            SELECT flow.wait_for('q/source', \(literal: place), '2 min')
            """)
        try pipeline.target.execute("RESET ROLE")
        #expect(waited[0, 0] == "t")
        #expect(try pipeline.value("SELECT string_agg(n::text, ',' ORDER BY id) FROM public.b WHERE id < 3") == "7,8")
        #expect(try pipeline.value("SELECT count(*) FROM public.a WHERE n < 1000") == "40")
        let status = try FlowctlProcess.run(["status", "-o", "json", pipeline.catalog.path]).output
        #expect(status.contains("\"state\":\"failed\"") || status.contains("\"state\": \"failed\""), "\(status)")
        #expect(status.contains("check constraint") && status.contains("parked"))
        #expect(try FlowctlProcess.run(["status", pipeline.catalog.path]).output.contains("changes, "))
        let verified = try FlowctlProcess.run(["verify", pipeline.catalog.path])
        #expect(verified.exitCode == 69 && verified.output.contains("it is parked since"), "\(verified.output)")
        apply.kill9()

        try pipeline.admin.execute(
            "UPDATE public.a SET amount = 1 WHERE id = 9; UPDATE public.b SET n = 9 WHERE id = 3")
        let outcome = try pipeline.once()
        #expect(outcome.exitCode == 69 && outcome.output.contains("parked since"), "\(outcome.output)")
        #expect(try pipeline.isEqual("b"))
        let waiting = try #require(try pipeline.parked("a"))
        #expect(waiting > 10)
        let refused = try pipeline.retry()
        #expect(refused.exitCode == 69 && refused.output.contains("\"parked\""), "\(refused.output)\(refused.errors)")
        #expect(try pipeline.parked("a") == waiting)

        let again = try pipeline.start()
        try pipeline.target.execute("ALTER TABLE public.a DROP CONSTRAINT small")
        let drained = try pipeline.retry(["--table", "public.a"])
        #expect(drained.exitCode == 0 && drained.output.contains("\"streaming\""), "\(drained.output)\(drained.errors)")
        #expect(try pipeline.parked("a") == nil)
        try pipeline.admin.execute("UPDATE public.a SET amount = 9999 WHERE id = 10; TRUNCATE public.b")
        #expect(try eventually(seconds: 60) { try pipeline.isEqual("a") && pipeline.isEqual("b") }, "\(again.output)")
        #expect(again.waitForLine(seconds: 60) { $0.contains("has been drained") } != nil)
        again.interrupt()
        #expect(again.waitForExit(seconds: 60) == 0, "\(again.errors)\(again.output)")
        #expect(try pipeline.value("SELECT count(*) FROM flow.parked_changes") == "0")
        #expect(try pipeline.retry().output.isEmpty)
        #expect(try pipeline.once().exitCode == 0)
        #expect(try pipeline.isEqual("a"))
        try pipeline.end()
    }

    @Test("a row that was mended at the source is drained as it was mended, and TRUNCATE has its place")
    func mended() throws {
        let pipeline = try Pipeline()
        try pipeline.admin.execute(Self.tables)
        try pipeline.write([("a", ""), ("b", "")])
        #expect(try pipeline.once().exitCode == 0)
        try pipeline.target.execute("ALTER TABLE public.a ADD CONSTRAINT small CHECK (n < 1000)")
        let apply = try pipeline.start()
        try pipeline.admin.execute("UPDATE public.a SET n = 5000 WHERE id = 2")
        #expect(apply.waitForLine(seconds: 60) { $0.contains("the table is parked") } != nil, "\(apply.output)")
        for n in 1...5 { try pipeline.admin.execute("UPDATE public.a SET n = \(raw: String(n)) WHERE id % 5 = 1") }
        #expect(try eventually(seconds: 60) { try pipeline.parked("a") ?? 0 > 8 })
        #expect(try pipeline.retry().exitCode == 69)
        try pipeline.admin.execute("UPDATE public.a SET n = 50 WHERE id = 2; UPDATE public.b SET n = 1")
        #expect(try eventually(seconds: 60) { try pipeline.isEqual("b") })
        #expect(try pipeline.retry().exitCode == 0)
        #expect(try pipeline.isEqual("a"))
        try pipeline.admin.execute(
            "INSERT INTO public.a VALUES (600, 6000, 'bad'); TRUNCATE public.a; INSERT INTO public.a VALUES (1, 1, 'new')"
        )
        #expect(try eventually(seconds: 60) { try pipeline.parked("a") ?? 0 > 0 }, "\(apply.output)")
        try pipeline.admin.execute("UPDATE public.b SET n = 2")
        #expect(try eventually(seconds: 60) { try pipeline.isEqual("b") })
        #expect(try pipeline.retry().exitCode == 69)
        try pipeline.target.execute("ALTER TABLE public.a DROP CONSTRAINT small")
        #expect(try pipeline.retry().exitCode == 0)
        #expect(try eventually(seconds: 60) { try pipeline.isEqual("a") })
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
        try pipeline.end()
    }

    @Test("no change is lost, doubled or out of order under kills of the runner and of retry, for both kinds of tables")
    func kills() throws {
        let pipeline = try Pipeline()
        try pipeline.admin.execute(Self.tables)
        try pipeline.write([
            ("a", ""), ("b", ""), ("a log", ", delta_updates: true"), ("a whole", ", delta_updates: true"),
        ])
        #expect(try pipeline.once().exitCode == 0)
        var random = SplitMix(state: 7)
        for round in 0..<3 {
            try pipeline.target.execute(
                """
                ALTER TABLE public.a ADD CONSTRAINT small CHECK (n < 1000) NOT VALID;
                ALTER TABLE public.log ADD CONSTRAINT small CHECK (n < 1000) NOT VALID
                """)
            var apply = try FlowctlProcess(["apply", "-o", "json", pipeline.catalog.path])
            let bad = "UPDATE public.a SET n = 5000 + \(round) WHERE id = \(20 + round)"
            try pipeline.admin.execute(
                "\(raw: bad); UPDATE public.a SET n = \(raw: String(round)) WHERE id = \(raw: String(20 + round))")
            let isParked = try eventually(seconds: 60) { try pipeline.parked("log") != nil }
            #expect(isParked, "\(apply.output)")
            for step in 0..<12 {
                let id = Int(random.next() % 40) + 1
                try pipeline.admin.execute(
                    """
                    BEGIN; UPDATE public.a SET n = n + 1 WHERE id % 4 = \(raw: String(step % 4));
                    DELETE FROM public.a WHERE id = \(raw: String(id));
                    INSERT INTO public.a VALUES (\(raw: String(1000 * (round + 1) + step)), 1, repeat('z', 3000)); COMMIT;
                    UPDATE public.b SET n = n + 1 WHERE id = \(raw: String(id))
                    """)
                if round == 1, step == 3 || step == 6 {
                    // More than a row of the park, and more than one piece.
                    try pipeline.admin.execute(
                        """
                        INSERT INTO public.a SELECT \(raw: String(step)) * 10000 + i, 1, repeat('k', 3000)
                          FROM generate_series(1, 2700) i
                        """)
                }
                if step % 4 == 1 {
                    apply.kill9()
                    apply = try FlowctlProcess(["apply", "-o", "json", pipeline.catalog.path])
                }
                if step == 8 {
                    try pipeline.target.execute(
                        "ALTER TABLE public.a DROP CONSTRAINT small; ALTER TABLE public.log DROP CONSTRAINT small")
                    let retry = try FlowctlProcess(["retry", pipeline.catalog.path])
                    usleep(UInt32(random.next() % 120_000))
                    retry.kill9()
                }
            }
            #expect(try eventually(seconds: 60) { try pipeline.isEqual("b") }, "\(apply.output)\(apply.errors)")
            let retry = try pipeline.retry()
            #expect(retry.exitCode == 0, "\(retry.output)\(retry.errors)")
            apply.kill9()
            let outcome = try pipeline.once()
            #expect(outcome.exitCode == 0, "\(outcome.output)")
            #expect(try pipeline.isEqual("a") && pipeline.isEqual("b"))
        }
        // The log that was parked is the one that never was, by position and number too.
        let columns = "id, n, big, \"_meta/op\", \"_meta/source/lsn\", \"_meta/source/seq\", \"_meta/unchanged\""
        let hash =
            "SELECT count(*) || md5(string_agg(ROW(\(columns))::text, ',' ORDER BY \"_meta/source/lsn\", \"_meta/source/seq\"))"
        #expect(
            try pipeline.value("\(hash) FROM public.log WHERE \"_meta/op\" <> 'r'")
                == pipeline.value("\(hash) FROM public.whole WHERE \"_meta/op\" <> 'r'"))
        try pipeline.end()
    }

    @Test("a chunk's row that is refused stops its table visibly, and the others go on; read again, it is whole")
    func chunk() throws {
        let pipeline = try Pipeline()
        try pipeline.admin.execute(Self.tables)
        try pipeline.target.execute("CREATE TABLE public.a (id int PRIMARY KEY, n int CHECK (n <> 17), big text)")
        try pipeline.write([("a", ""), ("b", "")])
        let first = try pipeline.once()
        #expect(first.output.contains("not all there yet"), "\(first.output)")
        #expect(try pipeline.isEqual("b"))
        #expect(try pipeline.value("SELECT phase FROM flow.bindings WHERE destination_table = 'a'") == "disabled")
        try pipeline.admin.execute("UPDATE public.b SET n = 1; UPDATE public.a SET n = 1 WHERE id < 5")
        #expect(try pipeline.once().exitCode == 0)
        let status = try FlowctlProcess.run(["status", pipeline.catalog.path]).output
        #expect(status.contains("disabled") && status.contains("check constraint"), "\(status)")
        try pipeline.target.execute("ALTER TABLE public.a DROP CONSTRAINT a_n_check")
        try pipeline.write([("a", ""), ("b", "")], backfill: ["a": 1])
        #expect(try pipeline.once().exitCode == 0)
        #expect(try pipeline.isEqual("a") && pipeline.isEqual("b"))
        try pipeline.end()
    }

    @Test(
        "foreign keys that the server checks, deferred or not, park the tables that they hold up, and all are drained")
    func foreignKeys() throws {
        let pipeline = try Pipeline()
        pipeline.user = "modest_\(pipeline.destination.database)"
        try pipeline.admin.execute(
            """
            CREATE TABLE public.parent (id int PRIMARY KEY, n int);
            CREATE TABLE public.child (id int PRIMARY KEY, p int, n int);
            CREATE TABLE public.b (id int PRIMARY KEY, n int);
            INSERT INTO public.parent VALUES (1, 1), (2, 2)
            """)
        try pipeline.target.execute(
            """
            CREATE ROLE \(id: pipeline.user) LOGIN;
            GRANT CREATE, TEMP ON DATABASE \(id: pipeline.destination.database) TO \(id: pipeline.user);
            GRANT USAGE, CREATE ON SCHEMA public TO \(id: pipeline.user)
            """)
        try pipeline.write([("parent", ""), ("child", ""), ("b", "")])
        #expect(try pipeline.once().exitCode == 0)
        try pipeline.target.execute(
            """
            ALTER TABLE public.child ADD CHECK (n < 1000),
              ADD FOREIGN KEY (p) REFERENCES public.parent DEFERRABLE INITIALLY IMMEDIATE
            """)
        let apply = try pipeline.start()
        try pipeline.admin.execute("INSERT INTO public.child VALUES (1, 1, 1), (2, 2, 2)")
        #expect(try eventually(seconds: 60) { try pipeline.isEqual("child") })
        // The child is parked, then its parent can't go.
        try pipeline.admin.execute("UPDATE public.child SET n = 5000 WHERE id = 1")
        #expect(try eventually(seconds: 60) { try pipeline.parked("child") != nil }, "\(apply.output)")
        try pipeline.admin.execute(
            """
            BEGIN; DELETE FROM public.child WHERE id = 2; DELETE FROM public.parent WHERE id = 2; COMMIT;
            BEGIN; INSERT INTO public.parent VALUES (3, 3); UPDATE public.child SET p = 3 WHERE id = 1;
            DELETE FROM public.parent WHERE id = 1; COMMIT; INSERT INTO public.b VALUES (1, 1)
            """)
        #expect(try eventually(seconds: 60) { try pipeline.isEqual("b") }, "\(apply.output)")
        #expect(try pipeline.parked("parent") != nil)
        #expect(try pipeline.retry().exitCode == 69)
        try pipeline.target.execute("ALTER TABLE public.child DROP CONSTRAINT child_n_check")
        let retry = try pipeline.retry()
        #expect(retry.exitCode == 0, "\(retry.output)\(retry.errors)")
        #expect(try pipeline.isEqual("child") && pipeline.isEqual("parent"))
        // A trigger of the destination's own that refuses.
        try pipeline.target.execute(
            """
            CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = 'U0001'; END $$;
            CREATE TRIGGER no AFTER UPDATE ON public.child FOR EACH ROW WHEN (NEW.n = 77) EXECUTE FUNCTION public.no()
            """)
        try pipeline.admin.execute("UPDATE public.child SET n = 77; UPDATE public.b SET n = 2")
        #expect(
            try eventually(seconds: 60) { try pipeline.isEqual("b") && pipeline.parked("child") != nil },
            "\(apply.output)")
        try pipeline.target.execute("DROP TRIGGER no ON public.child")
        #expect(try pipeline.retry(["--task", "q/sink"]).exitCode == 0)
        #expect(try pipeline.isEqual("child"))
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
        try pipeline.end()
    }

    @Test("a parked table that is read again is whole, and an append-only one keeps what waits")
    func readAgain() throws {
        let pipeline = try Pipeline()
        try pipeline.admin.execute(Self.tables)
        let tables = [("a", ""), ("b", ""), ("b log", ", delta_updates: true")]
        try pipeline.write(tables)
        #expect(try pipeline.once().exitCode == 0)
        try pipeline.target.execute(
            """
            ALTER TABLE public.a ADD CONSTRAINT small CHECK (n < 1000) NOT VALID;
            ALTER TABLE public.log ADD CONSTRAINT small CHECK (n < 1000) NOT VALID
            """)
        try pipeline.admin.execute(
            "UPDATE public.a SET n = 5000 WHERE id = 2; UPDATE public.b SET n = 5000 WHERE id = 2")
        #expect(try pipeline.once().exitCode == 69)
        #expect(try pipeline.parked("a") == 1 && pipeline.parked("log") == 1)
        try pipeline.admin.execute("UPDATE public.a SET n = 3 WHERE id = 2")
        try pipeline.write(tables, backfill: ["a": 1])
        #expect(try pipeline.once().exitCode == 69)
        #expect(try pipeline.isEqual("a") && pipeline.parked("a") == nil && pipeline.parked("log") == 1)
        try pipeline.write(tables, backfill: ["a": 1, "b": 1])
        let refused = try pipeline.once()
        #expect(
            refused.exitCode == 69 && refused.output.contains("would lose the changes that wait"), "\(refused.output)")
        try pipeline.target.execute("ALTER TABLE public.log DROP CONSTRAINT small")
        try pipeline.write(tables, backfill: ["a": 1])
        #expect(try pipeline.retry().exitCode == 0)
        #expect(try pipeline.once().exitCode == 0)
        #expect(try pipeline.value("SELECT count(*) FROM public.log WHERE n = 5000") == "1")
        try pipeline.end()
    }
}

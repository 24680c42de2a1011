import Foundation
import Postgres
import TestSupport
import Testing

/// What the log doesn't show must never pass in silence: a run that can't know every change of a table stops and says so.
@Suite("changes that the log lacks")
struct GapTests {
    struct Setup {
        let source: ConnectionParameters
        let destination: ConnectionParameters
        let catalog: URL
        let admin: Connection

        init(_ name: String) throws {
            (source, destination) = try TestServers.freshDatabases(name)
            admin = try Connection(source)
            try admin.execute(
                """
                CREATE TABLE public.a (id int PRIMARY KEY, v text); CREATE TABLE public.b (id int PRIMARY KEY, v text);
                INSERT INTO public.a VALUES (1, 'old'), (2, 'old'); INSERT INTO public.b VALUES (1, 'old')
                """)
            catalog = TestFolder.place("gap.yaml")
            try write(["a", "b"])
        }

        func write(
            _ tables: [String], user: String = "postgres", backfill: Int = 0, advanced: String = "",
            resource: String = ""
        ) throws {
            let captured = tables.map {
                "      - { resource: { namespace: public, stream: \($0) }, target: gap/\($0), backfill: \(backfill) }\n"
            }
            let stored = tables.map { "      - { source: gap/\($0), resource: { table: \($0)\(resource) } }\n" }
            try """
            collections: { \(Set(tables + ["a", "b"]).sorted().map { "gap/\($0): { key: [/id] }" }.joined(separator: ", ")) }
            captures:
              gap/source:
                endpoint:
                  connector:
                    image: source-postgres:dev
                    config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: \(user),
                              password: none, advanced: { slotName: \(source.database)\(advanced) } }
                bindings:
            \(captured.joined())materializations:
              gap/destination:
                endpoint:
                  connector:
                    image: materialize-postgres:dev
                    config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database),
                              user: postgres, password: none }
                bindings:
            \(stored.joined())
            """.write(to: catalog, atomically: true, encoding: .utf8)
        }

        func start() throws -> FlowctlProcess {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            #expect(apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)")
            return apply
        }

        func once() throws -> FlowctlProcess.Outcome { try FlowctlProcess.run(["apply", "--once", catalog.path]) }

        func rows(_ table: String) throws -> String? {
            try Connection(destination).query(
                "SELECT string_agg(id || v, ',' ORDER BY id) FROM public.\(id: table)")[0, 0]
        }

        func end() throws {
            try TestServers.drop(source)
            try FileManager.default.removeItem(at: catalog)
        }
    }

    @Test(
        "a column whose old values the log lacks has a backfill begin anew in the middle, also where no row of it follows"
    )
    func columnInBackfill() throws {
        let setup = try Setup("gap_copied")
        try setup.admin.execute("INSERT INTO public.a SELECT g, 'old' FROM generate_series(3, 4000) g")
        try setup.write(["a"], advanced: ", backfillWorkers: 1, backfill_chunk_size: 10")
        let apply = try FlowctlProcess(["apply", "-o", "json", setup.catalog.path])
        let destination = try Connection(setup.destination)
        #expect(
            eventually(seconds: 60) {
                (try? destination.query("SELECT count(*) > 0 FROM public.a")[0, 0]) == "t"
            })
        try setup.admin.execute(
            "BEGIN; ALTER TABLE public.a ADD x float8 DEFAULT random(); ALTER TABLE public.a ALTER x DROP DEFAULT; COMMIT"
        )
        let isSaid = apply.waitForLine(seconds: 60) {
            $0.contains("\"warning\"") && $0.contains("was added with a value for each row")
        }
        #expect(isSaid != nil, "\(apply.output)")
        let sum: SQL = "SELECT md5(string_agg(a::text, ',' ORDER BY id)) FROM public.a"
        let here = try setup.admin.query(sum)[0, 0]
        #expect(eventually(seconds: 60) { (try? destination.query(sum)[0, 0]) == here }, "\(apply.output)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 30) == 0, "\(apply.errors)")
        try setup.end()
    }

    @Test(
        "a renamed table stops the run at its first change; under its new name, or the old one again, nothing is missing"
    )
    func renamed() throws {
        let setup = try Setup("renamed")
        let apply = try setup.start()
        try setup.admin.execute("ALTER TABLE public.a RENAME TO a_x; INSERT INTO public.a_x VALUES (3, 'new')")
        #expect(apply.waitForExit(seconds: 60) == 69)
        #expect(apply.errors.contains("it is called public.a_x now"), "\(apply.errors)")
        // The binding's line, not the endpoint's.
        #expect(apply.errors.contains("\(setup.catalog.lastPathComponent):10:"), "\(apply.errors)")
        #expect(try setup.once().exitCode == 69)
        try setup.admin.execute("ALTER TABLE public.a_x RENAME TO a")
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try setup.rows("a") == "1old,2old,3new")
        try setup.end()
    }

    @Test("a table that takes another's name stops the run, now and at the next start")
    func exchanged() throws {
        let setup = try Setup("exchanged")
        let apply = try setup.start()
        try setup.admin.execute(
            """
            BEGIN; ALTER TABLE public.a RENAME TO a_old; CREATE TABLE public.a (id int PRIMARY KEY, v text);
            ALTER PUBLICATION flow_publication ADD TABLE public.a; COMMIT;
            INSERT INTO public.a VALUES (1, 'another'), (9, 'another')
            """)
        #expect(apply.waitForExit(seconds: 60) == 69)
        #expect(apply.errors.contains("another table has its name now"), "\(apply.errors)")
        #expect(try setup.rows("a") == "1old,2old")
        let again = try setup.once()
        #expect(again.exitCode == 69)
        #expect(again.errors.contains("raise `backfill`"), "\(again.errors)")
        #expect(try setup.rows("a") == "1old,2old")
        try setup.end()
    }

    @Test(
        "a table that was dropped and made anew between runs is not taken for the old one; the hint has it read again")
    func recreated() throws {
        let setup = try Setup("recreated")
        #expect(try setup.once().exitCode == 0)
        try setup.admin.execute(
            """
            DROP TABLE public.a; CREATE TABLE public.a (id int PRIMARY KEY, v text);
            INSERT INTO public.a VALUES (3, 'new')
            """)
        let refused = try setup.once()
        #expect(refused.exitCode == 69)
        try Connection(setup.destination).execute(
            "TRUNCATE public.a; DELETE FROM flow.bindings WHERE destination_table = 'a'")
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try setup.rows("a") == "3new")
        try setup.end()
    }

    @Test("a table that was out of the publication is refused, also once it is back in it", arguments: [false, true])
    func unpublished(isPutBack: Bool) throws {
        let setup = try Setup("unpublished")
        #expect(try setup.once().exitCode == 0)
        try setup.admin.execute("ALTER PUBLICATION flow_publication DROP TABLE public.a")
        try setup.admin.execute("INSERT INTO public.a VALUES (3, 'hole')")
        if isPutBack { try setup.admin.execute("ALTER PUBLICATION flow_publication ADD TABLE public.a") }
        let outcome = try setup.once()
        #expect(outcome.exitCode == 69)
        #expect(outcome.errors.contains("public\".\"a\""), "\(outcome.errors)")
        #expect(outcome.errors.contains("raise `backfill`"), "\(outcome.errors)")
        try setup.end()
    }

    @Test("a table that is taken out of the publication stops a run that streams")
    func unpublishedWhileStreaming() throws {
        let setup = try Setup("unpublishing")
        let apply = try setup.start()
        try setup.admin.execute("ALTER PUBLICATION flow_publication DROP TABLE public.b")
        #expect(apply.waitForExit(seconds: 60) == 69)
        #expect(apply.errors.contains("taken out of publication"), "\(apply.errors)")
        try setup.end()
    }

    @Test("a binding that was out of the catalog while the link went on is refused as it comes back")
    func detached() throws {
        let setup = try Setup("detached")
        #expect(try setup.once().exitCode == 0)
        try setup.write(["a"])
        try setup.admin.execute("INSERT INTO public.b VALUES (77, 'hole')")
        #expect(try setup.once().exitCode == 0)
        try setup.write(["a", "b"])
        let refused = try setup.once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("was out of the catalog"), "\(refused.errors)")
        try setup.write(["a", "b"], backfill: 1)
        #expect(try setup.once().exitCode == 0)
        #expect(try setup.rows("b") == "1old,77hole")
        try setup.end()
    }

    @Test("a column that is added to a partitioned table with a default has it in the old rows at the destination too")
    func partitionedDefault() throws {
        let setup = try Setup("partitioned")
        try setup.admin.execute(
            """
            DROP TABLE public.b; CREATE TABLE public.b (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
            CREATE TABLE public.b_1 PARTITION OF public.b FOR VALUES FROM (0) TO (10);
            CREATE TABLE public.b_2 PARTITION OF public.b FOR VALUES FROM (10) TO (20);
            INSERT INTO public.b VALUES (1, 'one'), (11, 'eleven')
            """)
        #expect(try setup.once().exitCode == 0)
        try setup.admin.execute(
            "ALTER TABLE public.b ADD COLUMN p int DEFAULT 9; INSERT INTO public.b VALUES (2, 'two', 5)")
        #expect(try setup.once().exitCode == 0)
        let rows = try Connection(setup.destination).query(
            "SELECT string_agg(id || v || p, ',' ORDER BY id) FROM public.b")
        #expect(rows[0, 0] == "1one9,2two5,11eleven9")
        try setup.end()
    }

    @Test(
        "a column whose old values the log lacks has the table read again, and the others go on",
        arguments: [
            "ADD COLUMN u uuid DEFAULT gen_random_uuid()", "ADD COLUMN s serial",
            "ADD COLUMN d int DEFAULT 5; VACUUM FULL public.a",
        ])
    func unknownPast(change: String) throws {
        let setup = try Setup("unknownpast")
        let apply = try setup.start()
        for statement in "ALTER TABLE public.a \(change)".components(separatedBy: "; ") {
            try setup.admin.execute("\(raw: statement)")
        }
        try setup.admin.execute("INSERT INTO public.a VALUES (3, 'new')")
        try setup.admin.execute("INSERT INTO public.b VALUES (9, 'goes on')")
        let sum: SQL = "SELECT md5(string_agg(a::text, ',' ORDER BY id)) FROM public.a"
        let here = try setup.admin.query(sum)[0, 0]
        #expect(
            eventually(seconds: 60) { (try? Connection(setup.destination).query(sum)[0, 0]) == here },
            "\(apply.output)")
        #expect(eventually(seconds: 60) { (try? setup.rows("b")) == "1old,9goes on" }, "\(apply.output)")
        #expect(apply.output.contains("was added with a value for each row"), "\(apply.output)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 30) == 0, "\(apply.errors)")
        try setup.end()
    }

    @Test("a default that is set after its column was added stops nothing, nor does a table that is written anew later")
    func harmlessDefault() throws {
        let setup = try Setup("harmless")
        let apply = try setup.start()
        try setup.admin.execute(
            "ALTER TABLE public.a ADD COLUMN d int; ALTER TABLE public.a ALTER COLUMN d SET DEFAULT 5")
        try setup.admin.execute("INSERT INTO public.a VALUES (3, 'new')")
        #expect(eventually(seconds: 60) { (try? setup.rows("a")) == "1old,2old,3new" }, "\(apply.errors)")
        try setup.admin.execute("VACUUM FULL public.a")
        try setup.admin.execute("INSERT INTO public.a VALUES (4, 'later')")
        #expect(eventually(seconds: 60) { (try? setup.rows("a")) == "1old,2old,3new,4later" }, "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
        #expect(try setup.once().exitCode == 0)
        try setup.end()
    }

    @Test(
        "values that a rewrite changes without changing their type are read again, now or at the next start",
        arguments: [true, false])
    func rewritten(isStreaming: Bool) throws {
        let setup = try Setup("rewritten")
        let change: SQL = "ALTER TABLE public.a ALTER v TYPE text USING upper(v)"
        if isStreaming {
            let apply = try setup.start()
            try setup.admin.execute(change)
            #expect(eventually(seconds: 60) { (try? setup.rows("a")) == "1OLD,2OLD" }, "\(apply.output)")
            #expect(apply.output.contains("was written anew"), "\(apply.output)")
            apply.interrupt()
            #expect(apply.waitForExit(seconds: 30) == 0, "\(apply.errors)")
        } else {
            #expect(try setup.once().exitCode == 0)
            try setup.admin.execute(change)
            let outcome = try setup.once()
            #expect(outcome.exitCode == 0)
            #expect(outcome.errors.contains("column \"v\" was written anew"), "\(outcome.errors)")
        }
        #expect(try setup.once().exitCode == 0)
        #expect(try setup.rows("a") == "1OLD,2OLD")
        try setup.end()
    }

    @Test("a table that is written anew with the same values stops nothing, whatever else was altered")
    func writtenAnew() throws {
        let setup = try Setup("writtenanew")
        #expect(try setup.once().exitCode == 0)
        for statement: SQL in [
            "VACUUM FULL public.a", "ALTER TABLE public.a ALTER v SET STATISTICS 7", "CLUSTER public.a USING a_pkey",
            "ALTER TABLE public.a ALTER v SET NOT NULL", "REINDEX TABLE public.a", "TRUNCATE public.b",
            "INSERT INTO public.b VALUES (7, 'new')", "ALTER TABLE public.b ALTER id TYPE bigint",
        ] { try setup.admin.execute(statement) }
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try setup.rows("a") == "1old,2old")
        #expect(try setup.rows("b") == "7new")
        try setup.end()
    }

    @Test(
        "what may be other values, or changes that no log has, is said once, live and at a start; what can be told is mended"
    )
    func rewrittenPerhaps() throws {
        let setup = try Setup("perhaps")
        let same = ["grown", "vacuumed", "truncated", "computed"]
        let warned = ["wide", "parts", "toggled"]
        try setup.admin.execute(
            """
            CREATE TABLE public.wide (id int PRIMARY KEY, v int, w varchar(20)); CREATE TABLE public.grown (LIKE public.wide);
            CREATE TABLE public.vacuumed (LIKE public.wide); CREATE TABLE public.truncated (LIKE public.wide);
            CREATE TABLE public.toggled (LIKE public.wide); CREATE TABLE public.computed (LIKE public.wide);
            CREATE TABLE public.parts (LIKE public.wide) PARTITION BY RANGE (id);
            CREATE TABLE public.part PARTITION OF public.parts FOR VALUES FROM (0) TO (10);
            """)
        for table in same + warned {
            if table != "wide" { try setup.admin.execute("ALTER TABLE public.\(id: table) ADD PRIMARY KEY (id)") }
            try setup.admin.execute(
                "INSERT INTO public.\(id: table) SELECT i, i, 'w' || i FROM generate_series(1, 3) i")
        }
        try setup.admin.execute(
            "CREATE PUBLICATION flow_publication FOR ALL TABLES WITH (publish_via_partition_root = true)")
        try setup.write(same + warned)
        let apply = try setup.start()
        try change(setup.admin, from: "int", to: "bigint", length: 30)
        for table in warned {
            #expect(apply.waitForLine(seconds: 60) { isWarning($0, of: table) } != nil, "\(table): \(apply.output)")
        }
        let isFollowed = eventually(seconds: 60) {
            (try? Connection(setup.destination).query("SELECT min(id) FROM public.truncated")[0, 0]) == "37"
        }
        #expect(isFollowed)
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        for table in same + warned {
            let count = apply.lines.filter { isWarning($0, of: table) }.count
            #expect(count == (warned.contains(table) ? 1 : 0), "\(table): \(apply.output)")
        }
        let silent = try setup.once()
        #expect(silent.exitCode == 0 && !silent.errors.contains("written anew"), "\(silent.errors)")
        try change(setup.admin, from: "bigint", to: "numeric", length: 40)
        let down = try setup.once()
        #expect(down.exitCode == 0, "\(down.errors)")
        for table in same + warned {
            let count = down.errors.components(separatedBy: "\n").filter { isWarning($0, of: table) }.count
            #expect(count == (warned.contains(table) ? 1 : 0), "\(table): \(down.errors)")
        }
        #expect(down.errors.contains("column \"v\" has another type now"), "\(down.errors)")
        #expect(down.errors.contains("raise `backfill` of the table's binding in capture gap/source to 1"))
        let again = try setup.once()
        #expect(again.exitCode == 0 && !again.errors.contains("written anew"), "\(again.errors)")
        // No rewrite is needed for it, and there was one.
        try setup.admin.execute("ALTER TABLE public.wide ALTER w TYPE text USING upper(w)")
        let mended = try setup.once()
        #expect(mended.exitCode == 0, "\(mended.errors)")
        #expect(mended.errors.contains("column \"w\" was written anew"), "\(mended.errors)")
        let sum: SQL = "SELECT string_agg(id || ' ' || w, ',' ORDER BY id) FROM public.wide"
        #expect(try Connection(setup.destination).query(sum)[0, 0] == (try setup.admin.query(sum)[0, 0]))
        try setup.end()
    }

    private func isWarning(_ line: String, of table: String) -> Bool {
        line.contains("written anew") && (line.contains("\"\(table)\"") || line.contains("\"\(table)\\\""))
    }

    private func change(_ admin: Connection, from: String, to: String, length: Int) throws {
        for statement in [
            "ALTER TABLE public.wide ALTER v TYPE \(to) USING v * 10",
            "ALTER TABLE public.parts ALTER v TYPE \(to) USING v * 10",
            "ALTER TABLE public.grown ALTER w TYPE varchar(\(length))",
            "ALTER TABLE public.vacuumed ALTER w TYPE varchar(\(length))", "VACUUM FULL public.vacuumed",
            "TRUNCATE public.truncated", "INSERT INTO public.truncated VALUES (\(length + 7), 7, '7')",
            "ALTER TABLE public.computed ADD g\(length) int GENERATED ALWAYS AS (id + 1) STORED",
            "ALTER TABLE public.toggled SET UNLOGGED", "UPDATE public.toggled SET v = 0",
            "ALTER TABLE public.toggled SET LOGGED",
        ] { try admin.execute("\(raw: statement)") }
    }

    @Test("rows of a table that inherits are not the captured table's: neither copied nor followed")
    func inherited() throws {
        let setup = try Setup("inherited")
        try setup.admin.execute(
            "CREATE TABLE public.child () INHERITS (public.a); INSERT INTO public.child VALUES (5, 'child')")
        #expect(try setup.once().exitCode == 0)
        #expect(try setup.rows("a") == "1old,2old")
        try setup.end()
    }

    @Test("row security never makes a copy smaller: the user is refused")
    func rowSecurity() throws {
        let setup = try Setup("rowsecurity")
        let role = "gap_\(setup.source.database)"
        try setup.admin.execute(
            """
            CREATE ROLE \(id: role) LOGIN REPLICATION; GRANT SELECT ON ALL TABLES IN SCHEMA public TO \(id: role);
            CREATE POLICY few ON public.a FOR SELECT USING (id < 2); ALTER TABLE public.a ENABLE ROW LEVEL SECURITY;
            CREATE PUBLICATION flow_publication FOR TABLE public.a, public.b WITH (publish_via_partition_root = true)
            """)
        try setup.write(["a", "b"], user: role)
        let outcome = try setup.once()
        #expect(outcome.exitCode == 69)
        #expect(
            outcome.errors.contains("row-level security") || outcome.errors.contains("row security"),
            "\(outcome.errors)")
        // A policy that shows every row is enough, and one that restricts takes that back.
        try setup.admin.execute("CREATE POLICY every ON public.a FOR SELECT TO \(id: role) USING (true)")
        try setup.admin.execute("CREATE POLICY less ON public.a AS RESTRICTIVE FOR SELECT USING (id < 2)")
        #expect(try setup.once().exitCode == 69)
        try setup.admin.execute("DROP POLICY less ON public.a")
        let copied = try setup.once()
        #expect(copied.exitCode == 0, "\(copied.errors)")
        #expect(try setup.rows("a") == "1old,2old")
        try setup.admin.execute("DROP OWNED BY \(id: role); DROP ROLE \(id: role)")
        try setup.end()
    }
}

import Foundation
import Postgres
import TestSupport
import Testing

/// Tables that the log lacks something of are read again by themselves: whenever it happens, and whatever is killed on the way.
@Suite("what the log lacks is mended")
struct MendingTests {
    /// `b` has three partitions of a thousand rows.
    private func partitioned(_ name: String) throws -> GapTests.Setup {
        let setup = try GapTests.Setup(name)
        try setup.admin.execute(
            "DROP TABLE public.b; CREATE TABLE public.b (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)")
        for number in 1...3 {
            try setup.admin.execute(
                """
                CREATE TABLE public.b_\(raw: String(number)) PARTITION OF public.b
                  FOR VALUES FROM (\(raw: String(number * 1000))) TO (\(raw: String(number * 1000 + 1000)))
                """)
        }
        try setup.admin.execute("INSERT INTO public.b SELECT g, 'v' || g FROM generate_series(1000, 3999) g")
        try setup.write(["a", "b"], advanced: ", backfillWorkers: 1, backfill_chunk_size: 40")
        return setup
    }

    private func sum(_ connection: Connection, _ table: String) throws -> String? {
        try connection.query(
            """
            SELECT count(*) || ' ' || coalesce(md5(string_agg(id || ' ' || v, ',' ORDER BY id)), '')
              FROM public.\(id: table)
            """)[0, 0]
    }

    /// What is done, and whether a runner is there meanwhile.
    private static let steps: [(statements: [String], isWatched: Bool)] = [
        (
            [
                "CREATE TABLE public.b_4 AS SELECT g AS id, 'apart' AS v FROM generate_series(4000, 4300) g",
                "ALTER TABLE public.b_4 ADD PRIMARY KEY (id)",
                "ALTER TABLE public.b ATTACH PARTITION public.b_4 FOR VALUES FROM (4000) TO (5000)",
            ], false
        ),
        (["ALTER TABLE public.b ALTER v TYPE text USING upper(v)"], true),
        (["ALTER TABLE public.b DETACH PARTITION public.b_1"], false),
        (["TRUNCATE public.b_2"], true),
        // The log has the TRUNCATE and not what comes after it.
        (
            [
                "TRUNCATE public.b",
                "ALTER TABLE public.b ATTACH PARTITION public.b_1 FOR VALUES FROM (1000) TO (2000)",
            ], false
        ),
    ]

    @Test(
        "rewritten, attached, detached and emptied, each under traffic and before a kill: both ends are equal in the end"
    )
    func traffic() throws {
        let setup = try partitioned("mending")
        #expect(try setup.once().exitCode == 0)
        let traffic = Thread.detached(setup.source) { connection, round in
            let id = String(1000 + round * 37 % 4000)
            // Where no partition takes the row, the statement fails, and that is all.
            try? connection.execute(
                """
                INSERT INTO public.b VALUES (\(raw: id), 'new') ON CONFLICT (id) DO UPDATE SET v = 'n' || \(raw: String(round))
                """)
            try? connection.execute("DELETE FROM public.b WHERE id = \(raw: String(1000 + round * 91 % 4000))")
            try? connection.execute(
                "UPDATE public.b SET id = id + 1 WHERE id = \(raw: String(1000 + round * 53 % 4000))")
            try? connection.execute(
                "INSERT INTO public.a VALUES (\(raw: id), 'x') ON CONFLICT (id) DO UPDATE SET v = a.v || 'x'")
        }
        for step in MendingTests.steps {
            var apply: FlowctlProcess?
            if step.isWatched { apply = try FlowctlProcess(["apply", "-o", "json", setup.catalog.path]) }
            for statement in step.statements { try setup.admin.execute("\(raw: statement)") }
            let runner = try apply ?? FlowctlProcess(["apply", "-o", "json", setup.catalog.path])
            let isSaid = runner.waitForLine(seconds: 60) { $0.contains("lacks what the log does not show") }
            #expect(isSaid != nil, "\(step.statements): \(runner.output) \(runner.errors)")
            runner.kill9()
        }
        traffic.stop()
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let there = try Connection(setup.destination)
        for table in ["a", "b"] { #expect(try sum(there, table) == sum(setup.admin, table), "\(table)") }
        // Nothing is left to do.
        let silent = try setup.once()
        #expect(silent.exitCode == 0 && !silent.errors.contains("log does not show"), "\(silent.errors)")
        try setup.end()
    }

    @Test(
        "a commit of several writers that is cut off, and what the log lacks of its tables: both ends are equal in the end"
    )
    func apart() throws {
        let setup = try partitioned("mendapart")
        let text = try String(contentsOf: setup.catalog, encoding: .utf8)
        try text.replacing("user: postgres, password: none }", with: "user: postgres, password: none, tasks: 2 }")
            .write(to: setup.catalog, atomically: true, encoding: .utf8)
        let run = try setup.start()
        let look = try Connection(setup.destination)
        let blocker = try Connection(setup.destination)
        func aheads() throws -> String? {
            try look.query(
                """
                SELECT count(*) FROM flow.bindings b JOIN flow.checkpoints c USING (materialization, capture)
                 WHERE b.position > c.position
                """)[0, 0]
        }
        // What the source's tables look like is now and then noted in a commit, which then has one writer.
        var wasCut = false
        for attempt in 0..<4 where !wasCut {
            try blocker.execute("BEGIN; SELECT FROM flow.checkpoints FOR SHARE")
            try setup.admin.execute(
                """
                BEGIN; INSERT INTO public.a SELECT g + 1000 * \(raw: String(attempt)), 'a' FROM generate_series(1000, 1799) g;
                UPDATE public.b SET v = v || '+' WHERE id < 1900; DELETE FROM public.b WHERE id = 3900 + \(raw: String(attempt)); COMMIT
                """)
            wasCut = try eventually(seconds: 60) { try aheads() == "2" }
            if !wasCut { try blocker.execute("ROLLBACK") }
        }
        #expect(wasCut, "\(run.errors)")
        run.kill9()
        #expect(try TestServers.endSessions(besides: look, blocker))
        try blocker.execute("ROLLBACK")
        #expect(try aheads() == "2")
        try setup.admin.execute(
            """
            UPDATE public.a SET v = 'late' WHERE id % 7 = 0; ALTER TABLE public.a ALTER v TYPE text USING upper(v);
            ALTER TABLE public.b DETACH PARTITION public.b_1; DELETE FROM public.b WHERE id % 5 = 0
            """)
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("column \"v\" was written anew"), "\(outcome.errors)")
        #expect(outcome.errors.contains("rows that the source no longer has are looked for"), "\(outcome.errors)")
        #expect(try aheads() == "0")
        for table in ["a", "b"] { #expect(try sum(look, table) == sum(setup.admin, table), "\(table)") }
        try setup.end()
    }

    @Test(
        "plan and status say that a table is read again, and why; an append-only table stops, and the mirror beside it doesn't"
    )
    func told() throws {
        let setup = try GapTests.Setup("mendtold")
        let text = try String(contentsOf: setup.catalog, encoding: .utf8)
        let log = text.components(separatedBy: "materializations:")[1]
            .replacing("gap/destination", with: "gap/log").replacing(
                "table: a", with: "table: a_log, delta_updates: true"
            )
            .replacing("table: b", with: "table: b_log, delta_updates: true")
        try (text + log.drop { $0 == "\n" }).write(to: setup.catalog, atomically: true, encoding: .utf8)
        #expect(try setup.once().exitCode == 0)
        try setup.admin.execute(
            "ALTER TABLE public.a ALTER v TYPE text USING upper(v); INSERT INTO public.b VALUES (2, 'b')")

        let plan = try FlowctlProcess.run(["plan", setup.catalog.path])
        #expect(
            (plan.output + plan.errors).contains("table public.a: it is read again, since its column \"v\""), "\(plan)")
        // Whoever merges rows into the table waits.
        let holder = try Connection(setup.destination)
        try holder.execute("BEGIN; LOCK TABLE public.a IN SHARE MODE")
        let apply = try FlowctlProcess(["apply", "-o", "json", setup.catalog.path])
        let isSaid = apply.waitForLine(seconds: 60) {
            $0.contains("lacks what the log does not show: it is read again")
        }
        #expect(isSaid != nil, "\(apply.output)")
        let stopped = apply.waitForLine(seconds: 60) { $0.contains("\"error\"") && $0.contains("gap/log") }
        #expect(stopped?.contains("was written anew") == true, "\(apply.output)")
        let status = try FlowctlProcess.run(["status", setup.catalog.path])
        #expect(status.output.contains("note: it is read again, since its column \"v\" was written anew"), "\(status)")
        apply.kill9()
        try holder.execute("COMMIT")

        let outcome = try setup.once()
        #expect(outcome.exitCode == 69)
        #expect(
            outcome.errors.contains("raise `backfill` of the table's binding in capture gap/source to 1"),
            "\(outcome.errors)")
        #expect(try setup.rows("a") == "1OLD,2OLD" && setup.rows("b") == "1old,2b")
        #expect(try setup.rows("a_log") == "1old,2old")
        try String(contentsOf: setup.catalog, encoding: .utf8)
            .replacing("target: gap/a, backfill: 0", with: "target: gap/a, backfill: 1")
            .write(to: setup.catalog, atomically: true, encoding: .utf8)
        #expect(try setup.once().exitCode == 0)
        let history = try Connection(setup.destination).query(
            "SELECT string_agg(id || v || \"_meta/op\", ',' ORDER BY id, v COLLATE \"C\" DESC) FROM public.a_log")
        #expect(history[0, 0] == "1oldr,1OLDr,2oldr,2OLDr")

        // The log has all of it: nothing was kept as the table got its file.
        for statement in [
            "TRUNCATE public.a", "INSERT INTO public.a VALUES (7, 'new')", "ALTER TABLE public.a ALTER v SET NOT NULL",
            "ALTER TABLE public.a RENAME v TO w", "UPDATE public.a SET w = 'newer'",
        ] { try setup.admin.execute("\(raw: statement)") }
        let emptied = try setup.once()
        #expect(emptied.exitCode == 0, "\(emptied.errors)")
        let last = try Connection(setup.destination).query(
            "SELECT string_agg(concat(id, w, \"_meta/op\"), ',' ORDER BY \"_meta/source/lsn\") FROM public.a_log WHERE \"_meta/op\" <> 'r'"
        )
        #expect(last[0, 0] == "t,7newc,7neweru")
        try setup.end()
    }

    @Test(
        "labels that are exchanged, and an identity that was another one, while changes wait: what is named mends it, over a kill"
    )
    func exchanged() throws {
        let setup = try GapTests.Setup("mendlabels")
        try setup.admin.execute(
            """
            CREATE TYPE public.mood AS ENUM ('x', 'y', 'z'); ALTER TABLE public.a ALTER v TYPE public.mood USING 'x';
            ALTER TABLE public.b ADD k int; UPDATE public.b SET k = id;
            INSERT INTO public.a SELECT g, 'x' FROM generate_series(3, 3000) g;
            INSERT INTO public.b SELECT g, 'b', g FROM generate_series(2, 3000) g;
            ALTER TABLE public.b ALTER k SET NOT NULL; CREATE UNIQUE INDEX b_k ON public.b (k)
            """)
        try setup.write(["a", "b"], advanced: ", backfillWorkers: 1, backfill_chunk_size: 40")
        #expect(try setup.once().exitCode == 0)
        for statement in [
            "UPDATE public.a SET v = 'y' WHERE id % 3 = 0",
            """
            ALTER TYPE public.mood RENAME VALUE 'x' TO 'a'; ALTER TYPE public.mood RENAME VALUE 'y' TO 'x';
            ALTER TYPE public.mood RENAME VALUE 'a' TO 'y'; ALTER TYPE public.mood RENAME VALUE 'z' TO 'zz'
            """,
            "UPDATE public.a SET v = 'y' WHERE id % 7 = 0",
            "ALTER TABLE public.b REPLICA IDENTITY USING INDEX b_k; DELETE FROM public.b WHERE id % 5 = 0",
            "UPDATE public.b SET id = -id WHERE id % 7 = 0", "ALTER TABLE public.b REPLICA IDENTITY DEFAULT",
        ] { try setup.admin.execute("\(raw: statement)") }
        let refused = try setup.once()
        #expect(refused.exitCode == 69)
        let hint = try #require(
            refused.errors.firstRange(of: "name its labels as the source does: "), "\(refused.errors)")
        let there = try Connection(setup.destination)
        try there.execute("\(raw: String(refused.errors[hint.upperBound...].prefix { $0 != "\n" }))")
        let runner = try FlowctlProcess(["apply", "-o", "json", setup.catalog.path])
        let isSaid = runner.waitForLine(seconds: 60) {
            $0.contains("lacks what the log does not show") && $0.contains("replica identity")
        }
        #expect(isSaid != nil, "\(runner.output) \(runner.errors)")
        runner.kill9()
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        for table in ["a", "b"] { #expect(try sum(there, table) == sum(setup.admin, table), "\(table)") }
        try setup.end()
    }

    @Test(
        "a table that nobody may change stores what comes before its columns change, and the statements that are named are enough"
    )
    func unchanging() throws {
        let setup = try GapTests.Setup("mendnone")
        try setup.admin.execute(
            "ALTER TABLE public.a ADD w text DEFAULT 'w'; ALTER TABLE public.b ALTER v SET NOT NULL")
        try String(contentsOf: setup.catalog, encoding: .utf8)
            .replacing(
                "user: postgres, password: none }", with: "user: postgres, password: none, schemaEvolution: none }"
            )
            .write(to: setup.catalog, atomically: true, encoding: .utf8)
        let there = try Connection(setup.destination)
        try there.execute(
            """
            CREATE TABLE public.a (id int PRIMARY KEY, v text, w text); CREATE TABLE public.b (id int PRIMARY KEY, v text NOT NULL)
            """)
        #expect(try setup.once().exitCode == 0)
        for statement in [
            "UPDATE public.a SET v = 'before' WHERE id = 1",
            "ALTER TABLE public.a RENAME v TO x; ALTER TABLE public.a RENAME w TO v; ALTER TABLE public.a RENAME x TO w",
            "UPDATE public.a SET v = 'after', w = 'gone' WHERE id = 2",
        ] { try setup.admin.execute("\(raw: statement)") }
        let refused = try setup.once()
        #expect(refused.exitCode == 69)
        #expect(try there.query("SELECT v FROM public.a WHERE id = 1")[0, 0] == "before", "\(refused.errors)")
        let hint = try #require(refused.errors.firstRange(of: "hint: run: "), "\(refused.errors)")
        try there.execute("\(raw: String(refused.errors[hint.upperBound...].prefix { $0 != "\n" }))")
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let rows: SQL = "SELECT string_agg(id || v || w, ',' ORDER BY id) FROM public.a"
        #expect(try there.query(rows)[0, 0] == "1wbefore,2aftergone")

        try setup.admin.execute("ALTER TABLE public.b DROP v; INSERT INTO public.b VALUES (9)")
        let dropped = try setup.once()
        #expect(
            dropped.errors.contains("the source has no column \"v\" any more, and the destination's is NOT NULL"),
            "\(dropped.errors)")
        try setup.end()
    }
}

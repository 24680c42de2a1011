import Postgres
import TestSupport
import Testing

/// The catalog is read after the log's place: what was otherwise for a while, and is as before again, must not pass in silence.
@Suite("what the catalog hides of the past")
struct HiddenPastTests {
    /// `isMended`: by reading the table again, which nobody has to ask for.
    static let changes: [(table: String, sql: String, meanwhile: [String], message: String, isMended: Bool)] = [
        (
            "a", "ALTER TABLE public.a REPLICA IDENTITY FULL",
            [
                "ALTER TABLE public.a DROP CONSTRAINT a_pkey", "INSERT INTO public.a VALUES (2, 'double')",
                "DELETE FROM public.a WHERE v = 'old' AND id = 2", "ALTER TABLE public.a ADD PRIMARY KEY (id)",
            ], "what keeps its key (id) unique was dropped and made anew", true
        ),
        (
            "b",
            """
            DROP TABLE public.b; CREATE TABLE public.b (id int PRIMARY KEY, k int NOT NULL, v text) PARTITION BY RANGE (id);
            CREATE TABLE public.b_1 PARTITION OF public.b FOR VALUES FROM (0) TO (10);
            CREATE UNIQUE INDEX b_k ON public.b_1 (k); INSERT INTO public.b SELECT g, g, 'old' FROM generate_series(1, 4) g
            """,
            [
                "ALTER TABLE public.b_1 REPLICA IDENTITY USING INDEX b_k",
                "UPDATE public.b SET id = 9 WHERE id = 3", "ALTER TABLE public.b_1 REPLICA IDENTITY DEFAULT",
            ], "b_1 had another replica identity for a while", true
        ),
        (
            "a", "CREATE SCHEMA aside",
            [
                "ALTER TABLE public.a SET SCHEMA aside", "UPDATE aside.a SET v = 'hidden' WHERE id = 1",
                "ALTER TABLE aside.a SET SCHEMA public",
            ], "out of the publication", false
        ),
    ]

    @Test(
        "a key that was not unique, another replica identity of a partition, and another schema are found when they are over",
        arguments: changes.indices, [true, false])
    func hidden(index: Int, isStreaming: Bool) throws {
        let change = HiddenPastTests.changes[index]
        let setup = try GapTests.Setup("hiddenpast")
        try setup.admin.execute("\(raw: change.sql)")
        let isOfSchema = change.sql.contains("SCHEMA")
        if isOfSchema {
            guard setup.admin.serverVersion >= 150_000 else { return try setup.end() }
            try setup.admin.execute(
                """
                CREATE PUBLICATION flow_publication FOR TABLES IN SCHEMA public
                  WITH (publish_via_partition_root = true)
                """)
        }
        var apply: FlowctlProcess?
        if isStreaming {
            apply = try setup.start()
            try setup.admin.execute("BEGIN; \(raw: change.meanwhile.joined(separator: "; ")); COMMIT")
        } else {
            #expect(try setup.once().exitCode == 0)
            for statement in change.meanwhile { try setup.admin.execute("\(raw: statement)") }
        }
        if change.isMended {
            if let apply {
                let line = apply.waitForLine(seconds: 60) { $0.contains("lacks what the log does not show") }
                #expect(line?.contains(change.message) == true, "\(apply.output) \(apply.errors)")
                apply.interrupt()
                #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
            }
            let outcome = try setup.once()
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(isStreaming || outcome.errors.contains(change.message), "\(outcome.errors)")
        } else {
            if let apply { #expect(apply.waitForExit(seconds: 60) == 69, "\(apply.errors)") }
            for _ in 0..<2 {
                let refused = try setup.once()
                #expect(refused.exitCode == 69)
                #expect(refused.errors.contains(change.message), "\(refused.errors)")
                #expect(refused.errors.contains("raise `backfill`"), "\(refused.errors)")
            }
            try setup.write(["a", "b"], backfill: 1)
        }
        let last = try setup.once()
        #expect(last.exitCode == 0 && !last.errors.contains("log does not show"), "\(last.errors)")
        let sum: SQL = "SELECT string_agg(t::text, ',' ORDER BY id) FROM public.\(id: change.table) t"
        #expect(try Connection(setup.destination).query(sum)[0, 0] == (try setup.admin.query(sum)[0, 0]))
        try setup.end()
    }

    @Test("what is done to indexes every day stops nothing")
    func harmless() throws {
        let setup = try GapTests.Setup("indexcare")
        try setup.admin.execute(
            """
            ALTER TABLE public.a DROP CONSTRAINT a_pkey; CREATE UNIQUE INDEX a_id ON public.a (id);
            ALTER TABLE public.a ALTER id SET NOT NULL, REPLICA IDENTITY USING INDEX a_id; DROP TABLE public.b;
            CREATE TABLE public.b (id int PRIMARY KEY, k int NOT NULL, v text) PARTITION BY RANGE (id);
            CREATE TABLE public.b_1 PARTITION OF public.b FOR VALUES FROM (0) TO (10); INSERT INTO public.b VALUES (1, 1, 'old');
            CREATE UNIQUE INDEX b_k ON public.b_1 (k)
            """)
        #expect(try setup.once().exitCode == 0)
        let care = [
            "VACUUM FULL public.a", "VACUUM FULL public.b_1", "CLUSTER public.b_1 USING b_1_pkey", "ANALYZE",
            "REINDEX TABLE public.a", "REINDEX TABLE CONCURRENTLY public.a", "REINDEX TABLE public.b_1",
            "REINDEX TABLE CONCURRENTLY public.b_1",
            "CREATE UNIQUE INDEX CONCURRENTLY a_v ON public.a (v, id)", "REINDEX INDEX CONCURRENTLY public.a_v",
            "CREATE UNIQUE INDEX CONCURRENTLY b_kv ON public.b_1 (k, v)", "INSERT INTO public.b VALUES (2, 2, 'new')",
            "INSERT INTO public.a VALUES (3, 'new')",
        ]
        for statement in care { try setup.admin.execute("\(raw: statement)") }
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let later = [
            "GRANT SELECT ON public.a, public.b, public.b_1 TO PUBLIC", "ALTER TABLE public.a ADD w int",
            "ALTER TABLE public.b ADD w int", "DROP INDEX public.a_v", "DROP INDEX public.b_k",
            "INSERT INTO public.a VALUES (4, 'wide')", "INSERT INTO public.b VALUES (4, 4, 'wide')",
        ]
        for statement in later { try setup.admin.execute("\(raw: statement)") }
        let again = try setup.once()
        #expect(again.exitCode == 0, "\(again.errors)")
        try setup.admin.execute("ALTER TABLE public.a ALTER id TYPE bigint; ALTER TABLE public.b ALTER k TYPE bigint")
        let wider = try setup.once()
        #expect(wider.exitCode == 0, "\(wider.errors)")
        #expect(try setup.rows("a") == "1old,2old,3new,4wide")
        #expect(try setup.rows("b") == "1old,2new,4wide")
        try setup.end()
    }

    static let orders: [(columns: String, key: String, reordered: String)] = [
        (
            "id text COLLATE \"C\" PRIMARY KEY", "g::text",
            "ALTER TABLE public.a ALTER id TYPE text COLLATE \"POSIX\""
        ),
        (
            "id public.place PRIMARY KEY", "ROW((ARRAY['l', 'm', 'n']::public.mood[])[g % 3 + 1], g)::public.place",
            """
            BEGIN; LOCK TABLE public.a; ALTER TYPE public.mood RENAME VALUE 'l' TO 'x'; ALTER TYPE public.mood RENAME VALUE 'n' TO 'l';
            ALTER TYPE public.mood RENAME VALUE 'x' TO 'n'; COMMIT
            """
        ),
    ]

    @Test("a backfill is not gone on with where its key sorts otherwise than before", arguments: orders.indices)
    func reordered(index: Int) throws {
        let order = HiddenPastTests.orders[index]
        let setup = try GapTests.Setup("reordered")
        try setup.admin.execute(
            """
            DROP TABLE public.a; CREATE TYPE public.mood AS ENUM ('l', 'm', 'n'); CREATE TYPE public.place AS (m public.mood, n int);
            CREATE TABLE public.a (\(raw: order.columns), v text);
            INSERT INTO public.a SELECT \(raw: order.key), 'old' FROM generate_series(1, 20000) g
            """)
        try setup.write(["a"], advanced: ", backfillWorkers: 1, backfill_chunk_size: 1")
        let apply = try FlowctlProcess(["apply", "-o", "json", setup.catalog.path])
        let destination = try Connection(setup.destination)
        #expect(
            eventually(seconds: 60) { (try? destination.query("SELECT count(*) > 2 FROM public.a")[0, 0]) == "t" },
            "\(apply.errors)")
        try setup.admin.execute("\(raw: order.reordered)")
        #expect(apply.waitForExit(seconds: 60) == 69, "\(apply.errors)")
        if index == 0 {
            let refused = try setup.once()
            #expect(refused.exitCode == 69)
            #expect(refused.errors.contains("sorts otherwise than when the reading began"), "\(refused.errors)")
        } else {
            // The types are the same at both ends again, and the bound is another place: it begins anew by itself.
            for statement in order.reordered.split(separator: ";") where statement.contains("RENAME") {
                try destination.execute("\(raw: String(statement))")
            }
        }
        try setup.write(["a"], backfill: 1 - index)
        let mended = try setup.once()
        #expect(mended.exitCode == 0, "\(mended.errors)")
        let sum: SQL = "SELECT md5(string_agg(t::text, ',' ORDER BY t::text COLLATE \"C\")) FROM public.a t"
        #expect(try destination.query(sum)[0, 0] == (try setup.admin.query(sum)[0, 0]))
        try setup.end()
    }
}

import Foundation
import Postgres
import TestSupport
import Testing

/// What a publication shows of tables, from the first start on and while it is altered: rows that it leaves out are missing for
/// good, so that a run stops rather than go on without them.
@Suite("publications")
struct PublicationTests {
    private struct Setup {
        let pipeline: PipelineFolder
        let admin: Connection
        var tables: [PipelineFolder.Table]

        init(_ name: String, _ sql: String, _ tables: [String] = ["t"], key: [String] = ["id"]) throws {
            let pair = try TestServers.freshDatabases(name)
            pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
            admin = try Connection(pair.source)
            try admin.execute("\(raw: sql)")
            self.tables = tables.map { PipelineFolder.Table(schema: "public", name: $0, key: key) }
        }

        func once() throws -> FlowctlProcess.Outcome { try pipeline.apply(tables) }

        func start() throws -> FlowctlProcess {
            let apply = try FlowctlProcess(["apply", "-o", "json", try pipeline.write(tables)])
            #expect(apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)")
            return apply
        }

        func rows(_ sql: String) throws -> String? { try Connection(pipeline.destination).query("\(raw: sql)")[0, 0] }
    }

    private static let plain =
        "CREATE TABLE public.t (id int PRIMARY KEY, v int); INSERT INTO public.t SELECT g, g FROM generate_series(1, 9) g"
    private static let partitioned = """
        CREATE TABLE public.t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
        CREATE TABLE public.t_1 PARTITION OF public.t FOR VALUES FROM (0) TO (1000);
        INSERT INTO public.t SELECT g, g FROM generate_series(1, 9) g
        """

    @Test("a table that others inherit from is copied and followed without their rows")
    func inheritance() throws {
        let setup = try Setup(
            "inheritance",
            """
            \(PublicationTests.plain); CREATE TABLE public.heir (extra text, PRIMARY KEY (id)) INHERITS (public.t);
            CREATE TABLE public.loose (extra text) INHERITS (public.t);
            INSERT INTO public.heir SELECT g, g, 'x' FROM generate_series(11, 20) g
            """)
        let first = try setup.once()
        #expect(first.exitCode == 0, "\(first.errors)")
        #expect(try setup.rows("SELECT string_agg(id::text, ',' ORDER BY id) FROM public.t") == "1,2,3,4,5,6,7,8,9")
        #expect(try setup.admin.query("SELECT string_agg(tablename, ',') FROM pg_publication_tables")[0, 0] == "t")
        // Heirs are not published: one without an identity of its own can be written to as before.
        try setup.admin.execute(
            """
            INSERT INTO public.loose VALUES (30, 30, 'y'); UPDATE public.loose SET v = 31;
            UPDATE public.t SET v = v + 100; DELETE FROM public.t WHERE id IN (5, 15); INSERT INTO public.heir VALUES (21, 1, 'x')
            """)
        let second = try setup.once()
        #expect(second.exitCode == 0, "\(second.errors)")
        let sum = "SELECT string_agg(t::text, ',' ORDER BY id) FROM"
        #expect(try setup.rows("\(sum) public.t") == setup.admin.query("\(raw: sum) ONLY public.t t")[0, 0])
    }

    @Test(
        "a publication that leaves something out stops a run that streams, also where it is whole again at the next look"
    )
    func narrowedWhileStreaming() throws {
        let cases = [
            (false, "SET (publish = 'insert')", ""), (true, "SET (publish_via_partition_root = false)", ""),
            (false, "SET TABLE public.t WHERE (id > 5)", ""), (false, "SET TABLE public.t (id)", ""),
            (false, "SET (publish = 'insert')", "SET (publish = 'insert, update, delete, truncate')"),
        ]
        // All at once: a run looks at its publication every few seconds.
        let runs = try cases.map { isPartitioned, change, restore in
            let setup = try Setup("narrowing", isPartitioned ? PublicationTests.partitioned : PublicationTests.plain)
            return (setup, apply: try setup.start(), change, restore)
        }
        for (setup, _, change, restore) in runs {
            try setup.admin.execute("ALTER PUBLICATION flow_publication \(raw: change)")
            try setup.admin.execute("UPDATE public.t SET v = 0 WHERE id < 5")
            if !restore.isEmpty { try setup.admin.execute("ALTER PUBLICATION flow_publication \(raw: restore)") }
        }
        for (setup, apply, change, restore) in runs {
            let text = "\(change), \(restore): \(apply.errors)"
            #expect(apply.waitForExit(seconds: 60) == 69, "\(text)")
            #expect(apply.errors.contains("publication"), "\(text)")
            #expect(try setup.once().exitCode == 69, "\(text)")
        }
    }

    @Test(
        "a publication that was narrowed and made whole between two runs is refused; the hint has the table read again")
    func narrowedBetweenRuns() throws {
        let setup = try Setup("narrowed", PublicationTests.plain)
        #expect(try setup.once().exitCode == 0)
        try setup.admin.execute("ALTER PUBLICATION flow_publication SET (publish = 'insert')")
        try setup.admin.execute("UPDATE public.t SET v = 0 WHERE id < 5")
        #expect(try setup.once().exitCode == 69)
        try setup.admin.execute("ALTER PUBLICATION flow_publication SET (publish = 'insert, update, delete, truncate')")
        let refused = try setup.once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("it was altered since table"), "\(refused.errors)")
        try Connection(setup.pipeline.destination).execute("TRUNCATE public.t; DELETE FROM flow.bindings")
        let again = try setup.once()
        #expect(again.exitCode == 0, "\(again.errors)")
        #expect(try setup.pipeline.differences([("public.t", "public.t")]) == [])
        // Another name or owner leaves nothing out; the hint's other statement says so.
        try setup.admin.execute("ALTER PUBLICATION flow_publication OWNER TO CURRENT_USER")
        try setup.admin.execute("ALTER PUBLICATION flow_publication SET (publish_via_partition_root = true)")
        #expect(try setup.once().exitCode == 69)
        try Connection(setup.pipeline.destination).execute(
            "UPDATE flow.bindings SET backfill = (backfill::jsonb - 'publication')::text")
        let accepted = try setup.once()
        #expect(accepted.exitCode == 0, "\(accepted.errors)")
    }

    @Test(
        "a partition whose changes come under its root's name is refused before anything is made",
        arguments: [false, true])
    func partitionOfPublished(isMade: Bool) throws {
        var setup = try Setup("leafofroot", PublicationTests.partitioned, ["t", "t_1"])
        if isMade {
            setup.tables.removeFirst()
            try setup.admin.execute(
                "CREATE PUBLICATION flow_publication FOR TABLE public.t WITH (publish_via_partition_root = true)")
        }
        let refused = try setup.once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("it is a partition of"), "\(refused.errors)")
        #expect(try setup.admin.query("SELECT FROM pg_publication_rel").count == (isMade ? 1 : 0))
        #expect(
            try setup.admin.query("SELECT FROM pg_replication_slots WHERE database = current_database()").count == 0)
    }

    @Test("a table that is made unlogged stops a run that streams")
    func unlogged() throws {
        let setup = try Setup(
            "unlogged", PublicationTests.plain + "; CREATE PUBLICATION flow_publication FOR ALL TABLES")
        let apply = try setup.start()
        try setup.admin.execute("ALTER TABLE public.t SET UNLOGGED; INSERT INTO public.t VALUES (20, 20)")
        #expect(apply.waitForExit(seconds: 60) == 69)
        #expect(apply.errors.contains("it is unlogged"), "\(apply.errors)")
        let again = try setup.once()
        #expect(again.exitCode == 69)
        #expect(again.errors.contains("raise `backfill`"), "\(again.errors)")
    }
}

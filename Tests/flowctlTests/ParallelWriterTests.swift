import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

/// `tasks` above 1. The source keeps a list of its own of every change, by triggers, that the append-only tables are held against.
@Suite("several writers of one materialization", .serialized)
struct ParallelWriterTests {
    private static let names = ["a", "b", "c"]

    /// Three tables, each mirrored, and its changes appended.
    private static let tables =
        names.map { PipelineFolder.Table(schema: "public", name: $0, key: ["id"]) }
        + names.map {
            PipelineFolder.Table(schema: "public", name: $0, key: ["id"], isDelta: true, destination: "\($0)_log")
        }

    /// Makes the source's tables, empty, and copies what is not there.
    private func begin(_ name: String) throws -> PipelineFolder {
        let (source, destination) = try TestServers.freshDatabases(name)
        let pipeline = try PipelineFolder(source, destination, slot: source.database)
        try Connection(source).execute(
            """
            CREATE TABLE public.changes (n bigserial PRIMARY KEY, t text, op text, id int, v text);
            CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              INSERT INTO public.changes (t, op, id, v) VALUES (TG_TABLE_NAME,
                CASE TG_OP WHEN 'INSERT' THEN 'c' WHEN 'UPDATE' THEN 'u' ELSE 'd' END, coalesce(NEW.id, OLD.id), NEW.v);
              RETURN NULL;
            END $$
            """)
        for table in Self.names {
            try Connection(source).execute(
                """
                CREATE TABLE public.\(id: table) (id int PRIMARY KEY, v text);
                CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON public.\(id: table)
                  FOR EACH ROW EXECUTE FUNCTION public.note()
                """)
        }
        let first = try pipeline.apply(Self.tables)
        #expect(first.exitCode == 0, "\(first.errors)")
        return pipeline
    }

    /// Mirrored tables are the source's; append-only ones have each change once, and in order.
    private func expectEqual(_ pipeline: PipelineFolder, _ note: String) throws {
        #expect(try pipeline.differences(Self.names.map { ("public.\($0)", "public.\($0)") }) == [], "\(note)")
        let there = try Connection(pipeline.destination)
        for table in Self.names {
            let listed = try Connection(pipeline.source).query(
                """
                SELECT count(*), md5(string_agg(concat_ws(' ', op, id, v), ',' ORDER BY id, n))
                  FROM public.changes WHERE t = \(literal: table)
                """)
            let logged = try there.query(
                """
                SELECT count(*), md5(string_agg(concat_ws(' ', "_meta/op", id, CASE "_meta/op" WHEN 'd' THEN NULL ELSE v END), ','
                                                ORDER BY id, "_meta/source/lsn", "_meta/source/seq")),
                       count(*) - count(DISTINCT ("_meta/source/lsn", "_meta/source/seq"))
                  FROM public.\(id: "\(table)_log")
                """)
            #expect(logged[0, 0] == listed[0, 0] && logged[0, 2] == "0", "\(note): \(table)_log")
            #expect(logged[0, 1] == listed[0, 1], "\(note): \(table)_log has other changes, or in another order")
        }
    }

    private func aheads(_ destination: Connection) throws -> Int {
        let rows = try destination.query(
            """
            SELECT count(*) FROM flow.bindings b JOIN flow.checkpoints c USING (materialization, capture)
             WHERE b.position > c.position
            """)
        return rows[0, 0].flatMap { Int($0) } ?? 0
    }

    /// What holds a commit up between the writers' and the link's own, and by how many writers the run after it goes on.
    struct Cut: Sendable, CustomTestStringConvertible {
        var tasks: Int
        var lock: String
        var meanwhile: String
        var next: Int
        /// Tables that have rows of the commit that was cut off.
        var committed: Int
        var testDescription: String { "\(tasks) writers, \(lock), then \(next)" }
    }

    @Test(
        "a commit that is cut off between its writers is gone on with by any number of them, no change lost or doubled")
    func cuts() throws {
        let pipeline = try begin("parallel_cuts")
        let source = try Connection(pipeline.source)
        let checkpoint = "SELECT FROM flow.checkpoints FOR SHARE"
        let cuts = [
            Cut(
                tasks: 3, lock: checkpoint,
                meanwhile: "DELETE FROM public.a WHERE id % 3 = 0; UPDATE public.b SET v = v || '+'",
                next: 1, committed: 6),
            Cut(
                tasks: 3, lock: "LOCK TABLE public.b IN SHARE MODE",
                meanwhile: "UPDATE public.a SET id = -id WHERE id % 2 = 0; DELETE FROM public.c WHERE id % 5 = 0",
                next: 2,
                committed: 4),
            Cut(
                tasks: 2, lock: checkpoint,
                meanwhile: """
                    ALTER TABLE public.a ADD COLUMN more int; UPDATE public.a SET more = id WHERE id > 0;
                    INSERT INTO public.c SELECT 900000 + i, 'late' FROM generate_series(1, 40) i
                    """, next: 3, committed: 6),
            Cut(
                tasks: 3, lock: "LOCK TABLE public.c_log IN SHARE MODE", meanwhile: "DELETE FROM public.b", next: 3,
                committed: 4),
        ]
        for (number, cut) in cuts.enumerated() {
            pipeline.tasks = cut.tasks
            let run = try FlowctlProcess(["apply", "-o", "json", try pipeline.write(Self.tables)])
            try source.execute("INSERT INTO public.a VALUES (\(raw: String(800_000 + number)), 'mark')")
            let look = try Connection(pipeline.destination)
            let isRunning = try eventually(seconds: 60) {
                try look.query("SELECT FROM public.a WHERE id = \(raw: String(800_000 + number))").count == 1
            }
            #expect(isRunning, "\(run.errors)")
            let blocker = try Connection(pipeline.destination)
            // What the source's tables look like is now and then noted in a commit, which then has one writer.
            var wasCut = false
            for attempt in 0..<3 where !wasCut {
                try blocker.execute("BEGIN; \(raw: cut.lock)")
                try source.execute("BEGIN")
                let first = (number * 3 + attempt) * 1000
                for table in Self.names {
                    try source.execute(
                        """
                        INSERT INTO public.\(id: table) (id, v)
                        SELECT i, 'row ' || i FROM generate_series(\(raw: String(first + 1)), \(raw: String(first + 600))) i;
                        UPDATE public.\(id: table) SET v = v || '!' WHERE id > \(raw: String(first + 500))
                        """)
                }
                try source.execute("COMMIT")
                wasCut = try eventually(seconds: 30) { try aheads(look) == cut.committed }
                if !wasCut { try blocker.execute("ROLLBACK") }
            }
            #expect(wasCut, "\(cut.testDescription): \(run.errors)")
            run.kill9()
            #expect(try TestServers.endSessions(besides: look, blocker))
            try blocker.execute("ROLLBACK")
            #expect(try aheads(look) == cut.committed, "\(cut.testDescription)")
            try source.execute("\(raw: cut.meanwhile)")
            pipeline.tasks = cut.next
            let next = try pipeline.apply(Self.tables)
            #expect(next.exitCode == 0, "\(next.errors)")
            #expect(try aheads(look) == 0)
            try expectEqual(pipeline, cut.testDescription)
        }
    }

    /// Transactions of one row up to many hundred, over one table up to all, until told to stop.
    private final class Traffic: Sendable {
        private let source: ConnectionParameters
        private let isStopped = Atomic<Bool>(false)
        private let ended = DispatchSemaphore(value: 0)
        private let failure = Mutex<String?>(nil)

        init(_ source: ConnectionParameters) { self.source = source }

        func start() {
            Thread.detachNewThread { [self] in
                do {
                    let connection = try Connection(source)
                    var random = SeededRandom(seed: 7)
                    var last = 1_000_000
                    while !isStopped.load(ordering: .relaxed) {
                        try connection.execute("BEGIN")
                        for table in ParallelWriterTests.names where Int.random(in: 0..<4, using: &random) > 0 {
                            let rows = Bool.random(using: &random) ? Int.random(in: 1...700, using: &random) : 1
                            try connection.execute(
                                """
                                INSERT INTO public.\(id: table) (id, v)
                                SELECT i, 'r' || i FROM generate_series(\(raw: String(last + 1)), \(raw: String(last + rows))) i;
                                UPDATE public.\(id: table) SET v = v || '.' WHERE id > \(raw: String(last - 200));
                                DELETE FROM public.\(id: table) WHERE id <= \(raw: String(last - 1500))
                                """)
                            last += rows
                        }
                        try connection.execute("COMMIT")
                        // What is written has to be read by a slow machine too.
                        usleep(30_000)
                    }
                } catch {
                    failure.withLock { $0 = "\(error)" }
                }
                ended.signal()
            }
        }

        func stop() -> String? {
            isStopped.store(true, ordering: .relaxed)
            ended.wait()
            return failure.withLock { $0 }
        }
    }

    @Test(
        "kill -9 at any moment, and another number of writers each time: equal at the end, each change once",
        .timeLimit(.minutes(5)))
    func kills() throws {
        let pipeline = try begin("parallel_kills")
        let traffic = Traffic(pipeline.source)
        traffic.start()
        let look = try Connection(pipeline.destination)
        func position() throws -> String? {
            try look.query("SELECT max(position) FROM flow.checkpoints")[0, 0]
        }
        var random = SystemRandomNumberGenerator()
        for tasks in [3, 1, 3, 2, 3] {
            pipeline.tasks = tasks
            let before = try position()
            let run = try FlowctlProcess(["apply", "-o", "json", try pipeline.write(Self.tables)])
            #expect(try eventually(seconds: 60) { try position() != before }, "\(run.errors)")
            _ = eventually(seconds: Double.random(in: 0...0.7, using: &random)) { !run.isRunning }
            run.kill9()
        }
        #expect(traffic.stop() == nil)
        pipeline.tasks = 3
        let last = try pipeline.apply(Self.tables)
        #expect(last.exitCode == 0, "\(last.errors)")
        #expect(try aheads(look) == 0)
        try expectEqual(pipeline, "after kills")
    }

    @Test(
        "a row that one writer's table refuses parks that table, and the others' have what was committed beside it once"
    )
    func parked() throws {
        let pipeline = try begin("parallel_parked")
        pipeline.tasks = 3
        pipeline.config = ["onRowError": "quarantine"]
        let there = try Connection(pipeline.destination)
        try there.execute("ALTER TABLE public.b ADD CONSTRAINT small CHECK (id <> 77)")
        let source = try Connection(pipeline.source)
        try source.execute("BEGIN")
        for table in Self.names {
            try source.execute("INSERT INTO public.\(id: table) SELECT i, 'row' FROM generate_series(1, 500) i")
        }
        try source.execute("COMMIT")
        let run = try pipeline.apply(Self.tables)
        #expect(run.exitCode == 69, "\(run.errors)")
        #expect(try pipeline.differences([("public.a", "public.a"), ("public.c", "public.c")]) == [])
        try source.execute(
            "UPDATE public.a SET v = 'later'; UPDATE public.b SET v = 'later'; DELETE FROM public.c WHERE id > 9")
        #expect(try pipeline.apply(Self.tables).exitCode == 69)
        #expect(try there.query("SELECT count(*) FROM public.b")[0, 0] == "0")
        try there.execute("ALTER TABLE public.b DROP CONSTRAINT small")
        let retry = try FlowctlProcess.run(["retry", try pipeline.write(Self.tables)], seconds: 120)
        #expect(retry.exitCode == 0, "\(retry.errors)")
        try expectEqual(pipeline, "after the park was drained")
    }

    @Test("tables that foreign keys tie together are stored by one writer where the server checks them")
    func foreignKeys() throws {
        let (source, destination) = try TestServers.freshDatabases("parallel_keys")
        let pipeline = try PipelineFolder(source, destination, slot: source.database)
        pipeline.tasks = 4
        pipeline.config = ["advanced": ["sessionReplicationRole": "origin"]]
        let tables = ["toy", "child", "parent", "other", "another"].map {
            PipelineFolder.Table(schema: "public", name: $0, key: ["id"])
        }
        let definition: SQL = """
            CREATE TABLE public.parent (id int PRIMARY KEY, v text);
            CREATE TABLE public.child (
              id int PRIMARY KEY, parent int REFERENCES public.parent ON UPDATE CASCADE ON DELETE CASCADE);
            CREATE TABLE public.toy (id int PRIMARY KEY, child int REFERENCES public.child ON DELETE CASCADE);
            CREATE TABLE public.other (id int PRIMARY KEY, v text);
            CREATE TABLE public.another (id int PRIMARY KEY, v text)
            """
        for end in [source, destination] { try Connection(end).execute(definition) }
        #expect(try pipeline.apply(tables).exitCode == 0)
        try Connection(source).execute(
            """
            BEGIN;
            INSERT INTO public.parent SELECT i, 'p' FROM generate_series(1, 500) i;
            INSERT INTO public.child SELECT i, i FROM generate_series(1, 500) i;
            INSERT INTO public.toy SELECT i, i FROM generate_series(1, 500) i;
            INSERT INTO public.other SELECT i, 'o' FROM generate_series(1, 500) i;
            INSERT INTO public.another SELECT i, 'n' FROM generate_series(1, 500) i;
            COMMIT
            """)
        let run = try pipeline.apply(tables)
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(try pipeline.differences(tables.map { ("public.\($0.name)", "public.\($0.name)") }) == [])
        let apart = try Connection(destination).query(
            "SELECT string_agg(destination_table, ' ' ORDER BY destination_table) FROM flow.bindings WHERE position IS NOT NULL"
        )
        #expect(apart[0, 0] == "another other")
        // Keys move with what refers to them, and rows go with theirs, one by one and many at once.
        for rows in ["id = 7", "id BETWEEN 20 AND 200"] {
            try Connection(source).execute(
                "BEGIN; UPDATE public.parent SET id = id + 9000 WHERE \(raw: rows); DELETE FROM public.parent WHERE id % 50 = 3; COMMIT"
            )
        }
        let moved = try pipeline.apply(tables)
        #expect(moved.exitCode == 0, "\(moved.errors)")
        #expect(try Connection(destination).query("SELECT count(*) FROM public.toy")[0, 0] == "490")
        #expect(try pipeline.differences(tables.map { ("public.\($0.name)", "public.\($0.name)") }) == [])
    }
}

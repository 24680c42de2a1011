import Foundation
import Postgres
import TestSupport
import Testing

/// Partitioned tables, whose partitions have replica identities and unique indexes of their own.
@Suite("partitions")
struct PartitionTests {
    @Test(
        "values stored out of line stay as a key moves in a table that has full identity at its root alone; a delete has its key",
        arguments: [false, true])
    func rootIdentity(hasNewPartition: Bool) throws {
        let pair = try TestServers.freshDatabases("rootidentity")
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (id int, region text, big text, n int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
            ALTER TABLE public.t ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
            CREATE TABLE public.t_eu PARTITION OF public.t FOR VALUES IN ('eu')
            """)
        if hasNewPartition { try source.execute("ALTER TABLE public.t_eu REPLICA IDENTITY FULL") }
        try source.execute("INSERT INTO public.t SELECT g, 'eu', repeat('b', 5000), g FROM generate_series(1, 20) g")
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let tables = [PipelineFolder.Table(schema: "public", name: "t", key: ["id", "region"])]
        let first = try pipeline.apply(tables)
        #expect(first.exitCode == 0, "\(first.errors)")
        if hasNewPartition {
            try source.execute(
                """
                CREATE TABLE public.t_us PARTITION OF public.t FOR VALUES IN ('us');
                INSERT INTO public.t SELECT g, 'us', repeat('c', 5000), g FROM generate_series(1, 20) g
                """)
        }
        try source.execute(
            """
            UPDATE public.t SET id = id + 1000 WHERE id <= 5; UPDATE public.t SET n = n + 1 WHERE id = 10;
            DELETE FROM public.t WHERE id = 11
            """)
        let second = try pipeline.apply(tables)
        #expect(second.exitCode == 0, "\(second.errors)")
        #expect(try pipeline.differences([("public.t", "public.t")]) == [])
    }

    @Test("a lock that somebody holds on a partition keeps nothing else of the capture waiting")
    func lockedPartition() throws {
        let pair = try TestServers.freshDatabases("lockedpartition")
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.r (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);
            CREATE TABLE public.r1 PARTITION OF public.r FOR VALUES FROM (0) TO (100);
            CREATE TABLE public.r2 PARTITION OF public.r FOR VALUES FROM (100) TO (200);
            CREATE TABLE public.a (id int PRIMARY KEY, n int); INSERT INTO public.r VALUES (1, 1), (101, 1)
            """)
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let tables = ["r", "a"].map { PipelineFolder.Table(schema: "public", name: $0, key: ["id"]) }
        let begun = try pipeline.apply(tables)
        #expect(begun.exitCode == 0, "\(begun.errors)")
        let holder = try Connection(pair.source)
        try holder.execute("BEGIN; LOCK TABLE public.r1 IN ACCESS EXCLUSIVE MODE")
        try source.execute("INSERT INTO public.r2 VALUES (102, 1); INSERT INTO public.a VALUES (1, 1)")
        let apply = try FlowctlProcess(["apply", "-o", "json", pipeline.write(tables)])
        let destination = try Connection(pair.destination)
        func rows(_ table: String) -> String? {
            try? destination.query("SELECT count(*) FROM public.\(id: table)")[0, 0]
        }
        #expect(eventually(seconds: 60) { rows("a") == "1" && rows("r") == "3" }, "\(apply.lines) \(apply.errors)")
        try source.execute("INSERT INTO public.r2 VALUES (103, 1); INSERT INTO public.a VALUES (2, 1)")
        #expect(eventually(seconds: 60) { rows("a") == "2" && rows("r") == "4" }, "\(apply.lines) \(apply.errors)")
        try holder.execute("COMMIT")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 30) == 0, "\(apply.errors)")
    }

    @Test("a key that a partition's old rows lack is refused before anything is made, and as such a partition comes")
    func leafIdentity() throws {
        let pair = try TestServers.freshDatabases("leafidentity")
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (id int, mail text NOT NULL, n int, PRIMARY KEY (id, n), UNIQUE (mail, n))
              PARTITION BY LIST (n);
            CREATE TABLE public.t_1 PARTITION OF public.t FOR VALUES IN (1);
            ALTER TABLE public.t REPLICA IDENTITY FULL; INSERT INTO public.t VALUES (1, 'a', 1)
            """)
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let tables = [PipelineFolder.Table(schema: "public", name: "t", key: ["id", "mail", "n"])]
        let refused = try pipeline.apply(tables)
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains(#"ALTER TABLE "public"."t_1" REPLICA IDENTITY FULL"#), "\(refused.errors)")
        #expect(try source.query("SELECT FROM pg_publication").count == 0)
        try source.execute("ALTER TABLE public.t_1 REPLICA IDENTITY FULL")
        let first = try pipeline.apply(tables)
        #expect(first.exitCode == 0, "\(first.errors)")
        let apply = try FlowctlProcess(["apply", "-o", "json", try pipeline.write(tables)])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)")
        try source.execute(
            "CREATE TABLE public.t_2 PARTITION OF public.t FOR VALUES IN (2); INSERT INTO public.t VALUES (1, 'b', 2)")
        #expect(apply.waitForExit(seconds: 60) == 69)
        #expect(apply.errors.contains("t_2"), "\(apply.errors)")
    }

    @Test("a key that each partition keeps unique by itself alone is refused")
    func uniqueByPartition() throws {
        let pair = try TestServers.freshDatabases("uniquebypartition")
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (id int, region text, v int) PARTITION BY LIST (region);
            CREATE TABLE public.t_eu PARTITION OF public.t (PRIMARY KEY (id)) FOR VALUES IN ('eu');
            CREATE TABLE public.t_us PARTITION OF public.t (PRIMARY KEY (id)) FOR VALUES IN ('us');
            ALTER TABLE public.t REPLICA IDENTITY FULL; ALTER TABLE public.t_eu REPLICA IDENTITY FULL;
            ALTER TABLE public.t_us REPLICA IDENTITY FULL;
            INSERT INTO public.t VALUES (1, 'eu', 1), (1, 'us', 2)
            """)
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let refused = try pipeline.apply([PipelineFolder.Table(schema: "public", name: "t", key: ["id"])])
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("no unique index keeps the key"), "\(refused.errors)")
        let both = try pipeline.apply([PipelineFolder.Table(schema: "public", name: "t", key: ["id", "region"])])
        #expect(both.exitCode == 0, "\(both.errors)")
        #expect(try pipeline.differences([("public.t", "public.t")]) == [])
    }
}

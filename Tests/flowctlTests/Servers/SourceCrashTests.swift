import Foundation
import Postgres
import TestSupport
import Testing

@Suite("a source that crashes")
struct SourceCrashTests {
    @Test("what a backfill has read of transactions that the crash undid is not taken for those that get their ids")
    func undone() throws {
        let orders = [PipelineFolder.Table(schema: "public", name: "orders", key: ["id"])]
        let source = try LocalServer("undone", settings: [("autovacuum", "off")])
        let admin = try source.connect()
        try admin.execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, note text); CREATE TABLE public.other (note text);
            INSERT INTO public.orders SELECT g, 'old' FROM generate_series(1, 500) g; CHECKPOINT
            """)
        let pipeline = try PipelineFolder(
            source.parameters(), TestServer.destination.database("undone"), slot: "undone")
        #expect(try pipeline.apply(orders, ["--provision-only"]).exitCode == 0)

        // Nothing writes the log to disk now but those who wait for it.
        let writer = try admin.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
        kill(try #require(writer[0, 0].flatMap { Int32($0) }), SIGSTOP)
        for _ in 1...300 { try admin.execute("BEGIN; INSERT INTO public.other VALUES (repeat('x', 500)); ROLLBACK") }
        try admin.execute("SET synchronous_commit = off; UPDATE public.orders SET note = 'soon undone' WHERE id <= 100")
        let apply = try FlowctlProcess(["apply", "-o", "json", try pipeline.write(orders)])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("\"backfill_completed\"") } != nil, "\(apply.errors)")
        source.crash()
        try source.start()
        let after = try source.connect()
        for id in 401...450 {
            try after.execute("UPDATE public.orders SET note = 'new' WHERE id = \(literal: String(id))::int")
        }
        for _ in 1...20 {
            try after.execute("INSERT INTO public.other SELECT repeat('y', 500) FROM generate_series(1, 500)")
        }

        let tables = [(source: "public.orders", destination: "public.orders")]
        #expect(try eventually(seconds: 60) { try pipeline.differences(tables).isEmpty }, "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        #expect(try pipeline.differences(tables) == [])
        source.remove()
    }

    @Test("a capture that may not write to its source waits until what it has read is on disk")
    func readOnly() throws {
        let orders = [PipelineFolder.Table(schema: "public", name: "orders", key: ["id"])]
        let source = try LocalServer("readonly", settings: [("autovacuum", "off"), ("checkpoint_timeout", "1h")])
        let admin = try source.connect()
        try admin.execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY); INSERT INTO public.orders SELECT generate_series(1, 500);
            CREATE PUBLICATION watched FOR TABLE public.orders
            """)
        let pipeline = try PipelineFolder(
            source.parameters(), TestServer.destination.database("readonly"), slot: "readonly",
            advanced: ["read_only_capture": true, "publicationName": "watched"])
        #expect(try pipeline.apply(orders, ["--provision-only"]).exitCode == 0)
        let writer = try admin.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
        let process = try #require(writer[0, 0].flatMap { Int32($0) })
        kill(process, SIGSTOP)
        try admin.execute("SET synchronous_commit = off; UPDATE public.orders SET id = id + 1000 WHERE id <= 100")
        let before = try admin.query("SELECT pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()")
        #expect(before[0, 0] != before[0, 1])
        let apply = try FlowctlProcess(["apply", "-o", "json", try pipeline.write(orders)])
        // It asks again and again how far the disk is.
        #expect(
            try eventually(seconds: 60) {
                try admin.query(
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_current_wal_flush_lsn%' AND pid <> pg_backend_pid()"
                )[0, 0] != "0"
            }, "\(apply.errors)")
        #expect(!apply.output.contains("\"backfill_completed\""))
        kill(process, SIGCONT)
        #expect(apply.waitForLine(seconds: 60) { $0.contains("\"backfill_completed\"") } != nil, "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        source.remove()
    }
}

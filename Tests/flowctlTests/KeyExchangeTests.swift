import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

/// Names and keys that change places: what was called one thing is another by the time it is looked at.
@Suite("exchanges")
struct KeyExchangeTests {
    @Test(
        "columns that exchange names while nothing follows keep their values apart, also where another one is gone",
        arguments: [
            ("a int, b int", "a TO t", "b TO a", "t TO b"), ("a int, b int", "a TO old", "b TO a", "a TO a2"),
            ("gone int, a int, b int", "a TO t", "b TO a", "t TO b"),
        ])
    func columnNames(columns: String, first: String, second: String, third: String) throws {
        let pair = try TestServers.freshDatabases("columnnames")
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (id int PRIMARY KEY, \(raw: columns)); ALTER TABLE public.t DROP COLUMN IF EXISTS gone;
            INSERT INTO public.t VALUES (1, 1, 2)
            """)
        let tables = [PipelineFolder.Table(schema: "public", name: "t", key: ["id"])]
        let begun = try pipeline.apply(tables)
        #expect(begun.exitCode == 0, "\(begun.errors)")
        try source.execute("INSERT INTO public.t VALUES (2, 10, 20)")
        try source.execute("UPDATE public.t SET a = 11, b = 21 WHERE id = 1")
        for rename in [first, second, third] { try source.execute("ALTER TABLE public.t RENAME \(raw: rename)") }
        try source.execute("INSERT INTO public.t VALUES (3, 5, 6)")
        let outcome = try pipeline.apply(tables)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let names = try source.query(
            """
            SELECT string_agg(quote_ident(attname), ',' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = 'public.t'::regclass AND attnum > 0 AND NOT attisdropped
            """)[0, 0]
        let rows: SQL = "SELECT string_agg(ROW(\(raw: names ?? "id"))::text, ' ' ORDER BY id) FROM public.t"
        #expect(try Connection(pair.destination).query(rows)[0, 0] == source.query(rows)[0, 0])
    }

    @Test("rows that exchange a key which is not the table's own while it is read are both there at the end")
    func keys() throws {
        let pair = try TestServers.freshDatabases("keyexchange")
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (id int PRIMARY KEY, email text COLLATE "C" NOT NULL UNIQUE, n int);
            ALTER TABLE public.t REPLICA IDENTITY FULL;
            INSERT INTO public.t SELECT g, 'e' || lpad((60001 - g)::text, 6, '0'), g FROM generate_series(1, 60000) g
            """)
        let file = try pipeline.write([PipelineFolder.Table(schema: "public", name: "t", key: ["email"])])
        let text = try String(contentsOfFile: file, encoding: .utf8)
            .replacingOccurrences(of: "\"slotName\"", with: "\"backfill_chunk_size\":500,\"slotName\"")
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let destination = try Connection(pair.destination)
        func copied() -> Int {
            let rows = try? destination.query("SELECT coalesce(max(rows), 0) FROM flow.bindings")
            return rows?[0, 0].flatMap { Int($0) } ?? 0
        }
        let apply = try FlowctlProcess(["apply", "-o", "json", file])
        try #require(eventually(seconds: 60) { copied() >= 1000 }, "\(apply.errors)")
        let pid = try source.query(
            "SELECT active_pid FROM pg_replication_slots WHERE database = current_database()")[0, 0].flatMap {
                pid_t($0)
            }
        // The log stands still while the other half of the exchanged pairs is read.
        let sender = try #require(pid)
        kill(sender, SIGSTOP)
        let place = min(copied(), 40000)
        for (low, high) in [(5, place + 9000), (60000 - 5, 60000 - place - 9000)] {
            try source.execute(
                """
                CREATE TEMP TABLE x AS SELECT id, email FROM public.t WHERE id IN (\(low), \(high));
                BEGIN; UPDATE public.t SET email = 'z' WHERE id = \(low);
                UPDATE public.t SET email = (SELECT email FROM x WHERE id = \(low)) WHERE id = \(high);
                UPDATE public.t SET email = (SELECT email FROM x WHERE id = \(high)) WHERE id = \(low); COMMIT; DROP TABLE x
                """)
        }
        _ = eventually(seconds: 10) { copied() > place + 12000 }
        kill(sender, SIGCONT)
        #expect(apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        #expect(try pipeline.differences([("public.t", "public.t")]) == [])
    }

    @Test("a key in whose order a table can't be read is refused, and nothing stays of the start")
    func nullableKey() throws {
        let pair = try TestServers.freshDatabases("nullablekey")
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (id int PRIMARY KEY, email text UNIQUE); ALTER TABLE public.t REPLICA IDENTITY FULL;
            INSERT INTO public.t VALUES (1, 'a')
            """)
        let refused = try pipeline.apply([PipelineFolder.Table(schema: "public", name: "t", key: ["email"])])
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains(#"ALTER "email" SET NOT NULL"#), "\(refused.errors)")
        #expect(try source.query("SELECT FROM pg_publication").count == 0)
        try source.execute("ALTER TABLE public.t ALTER email SET NOT NULL")
        let outcome = try pipeline.apply([PipelineFolder.Table(schema: "public", name: "t", key: ["email"])])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
    }
}

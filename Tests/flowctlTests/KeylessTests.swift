import Foundation
import Postgres
import TestSupport
import Testing

/// Tables without a key: rows that nothing tells apart, several of which can be the same.
@Suite("tables without a key")
struct KeylessTests {
    private let source: ConnectionParameters
    private let destination: ConnectionParameters
    private let admin: Connection
    private let target: Connection
    private let catalog: URL

    init() throws {
        (source, destination) = try TestServers.freshDatabases("keyless")
        admin = try Connection(source)
        target = try Connection(destination)
        catalog = TestFolder.place("keyless.yaml")
    }

    /// The mirror, a mirror that keeps deleted rows, a log of the table `k`, and a mirror of the columns without a hash; a log
    /// of a table with a key besides.
    private func write(
        backfill: Int = 0, stream: String = "", resource: String = "", others: Bool = true, advanced: String = "",
        config: String = "", withKeyed: Bool = false
    ) throws {
        let captured = "      - { resource: { namespace: public, stream: m }, target: keyless/m }"
        let appended = "      - { source: keyless/m, resource: { table: m_log, delta_updates: true } }"
        let more = """
                  - { source: keyless/k, resource: { table: k_soft, deleteMode: soft } }
                  - { source: keyless/k, resource: { table: k_log, delta_updates: true } }
                  - { source: keyless/k, resource: { table: k_few }, fields: { recommended: true, exclude: [n, t, v, f, big] } }
            """
        try """
        collections:
          keyless/k: { key: [/_meta/source/loc/0, /_meta/source/loc/1, /_meta/source/loc/2] }
          keyless/m: { key: [/id] }
        captures:
          keyless/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres, password: none,
                          advanced: { slotName: \(source.database)\(advanced) } }
            bindings:
              - { resource: { namespace: public, stream: k\(stream) }, target: keyless/k, backfill: \(backfill) }
        \(withKeyed ? captured : "")
        materializations:
          keyless/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none\(config) }
            bindings:
              - { source: keyless/k, resource: { table: k\(resource) } }
        \(others ? more : "")
        \(withKeyed ? appended : "")
        """.write(to: catalog, atomically: true, encoding: .utf8)
    }

    private func once() throws -> FlowctlProcess.Outcome { try FlowctlProcess.run(["apply", "--once", catalog.path]) }

    private func end() throws {
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: catalog)
    }

    private static let columns = "n, t, v, f, j, p, big"

    /// The rows as often as they are there, byte by byte.
    private func rows(_ connection: Connection, _ table: String = "k", _ condition: String = "true") throws -> String? {
        try connection.query(
            """
            SELECT count(*) || ' ' || coalesce(md5(string_agg(image, E'\\n' ORDER BY image COLLATE "C")), '') FROM (
              SELECT ROW(\(raw: KeylessTests.columns))::text AS image FROM public.\(id: table) WHERE \(raw: condition)) AS s
            """)[0, 0]
    }

    private func expectEqual(_ comment: String) throws {
        let there = try rows(admin)
        #expect(try rows(target) == there, "\(comment)")
        #expect(try rows(target, "k_soft", "\"_meta/op\" <> 'd'") == there, "\(comment): with soft deletes")
        #expect(try few(target, "k_few") == few(admin, "k"), "\(comment): of some columns")
    }

    private func few(_ connection: Connection, _ table: String) throws -> String? {
        try connection.query(
            "SELECT string_agg(ROW(j, p)::text, '' ORDER BY ROW(j, p)::text) FROM public.\(id: table)")[0, 0]
    }

    private func signal(_ id: String, _ data: String) throws -> String? {
        _ = try admin.query("INSERT INTO public.streamkap_signal VALUES ($1, 'execute-snapshot', $2)", [id, data])
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return try target.query("SELECT state FROM flow.signals WHERE id = $1", [id])[0, 0]
    }

    @Test(
        "a signal has a mirror without a key compared as a whole, incremental or blocking; one with a condition fails")
    func signalled() throws {
        try create()
        try admin.execute(
            """
            CREATE TABLE public.streamkap_signal (id varchar(255) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2000));
            INSERT INTO public.k SELECT g % 100, 'a', 1, 0, '1', '(1,2)' FROM generate_series(1, 1000) g
            """)
        try write(advanced: ", backfill_chunk_size: 100, signalTable: public")
        #expect(try once().exitCode == 0)
        for (id, type) in [("one", "INCREMENTAL"), ("two", "BLOCKING")] {
            for table in ["k", "k_soft"] {
                try target.execute(
                    """
                    DELETE FROM public.\(id: table) WHERE n = 7; UPDATE public.\(id: table) SET t = 'b' WHERE n = 8;
                    INSERT INTO public.\(id: table) (n) VALUES (9), (9)
                    """)
            }
            try admin.execute("UPDATE public.k SET v = v + 1 WHERE n = 50; DELETE FROM public.k WHERE n = 51")
            #expect(try signal(id, #"{"type": "\#(type)", "data-collections": ["public.k"]}"#) == "done")
            try expectEqual(type)
            try admin.execute("INSERT INTO public.k (n) VALUES (51); DELETE FROM public.k WHERE n = 52")
            #expect(try once().exitCode == 0)
            try expectEqual("after \(type)")
        }
        let condition = #"[{"data-collection": "public.k", "filter": "n > 5"}]"#
        let some = #"{"type": "INCREMENTAL", "data-collections": ["public.k"], "additional-conditions": \#(condition)}"#
        #expect(try signal("three", some) == "failed")
        try expectEqual("after a signal that failed")
        try end()
    }

    private func create(index: String = "CREATE INDEX ON public.k (n)") throws {
        try admin.execute(
            """
            CREATE TABLE public.k (n int, t text, v numeric, f float8, j json, p point, big text);
            ALTER TABLE public.k ALTER big SET STORAGE EXTERNAL; ALTER TABLE public.k REPLICA IDENTITY FULL;
            \(raw: index)
            """)
    }

    @Test(
        "a random history of rows that are the same over kills, while it is copied and streamed, loses and doubles none"
    )
    func killed() throws {
        try create()
        try admin.execute(
            """
            INSERT INTO public.k SELECT nullif(g % 97, 3), 't' || g % 5, g % 3, 0, '{"a": 1}', '(1,2)',
              CASE WHEN g % 4 = 0 THEN repeat('x', 2500) END FROM generate_series(1, 6000) g;
            CREATE TABLE public.m (id int PRIMARY KEY, v int); INSERT INTO public.m SELECT g, g FROM generate_series(1, 4000) g
            """)
        try write(advanced: ", backfill_chunk_size: 150", withKeyed: true)
        let traffic = Thread.detached(source) { connection, round in
            var random = SplitMix(state: UInt64(round))
            let (one, many, low) = (random.below(6000), random.below(97), random.below(5))
            try connection.execute(
                """
                BEGIN;
                INSERT INTO public.k SELECT \(raw: String(many)), 't\(raw: String(low))', 1.0, '-0', '{"a": 1}', '(1,2)', NULL
                  FROM generate_series(1, 3);
                DELETE FROM public.k WHERE ctid = (SELECT ctid FROM public.k OFFSET \(raw: String(one)) LIMIT 1);
                UPDATE public.k SET v = v + 0.50, n = nullif((n * 7 + 1) % 97, 5) WHERE ctid = ANY (ARRAY(
                  SELECT ctid FROM public.k OFFSET \(raw: String(one / 2)) LIMIT 4));
                UPDATE public.k SET t = 'u', big = repeat('y', 2500) WHERE n = \(raw: String(many)) AND t = 't\(raw: String(low))';
                DELETE FROM public.k WHERE n = \(raw: String(96 - many)) AND t = 'u';
                UPDATE public.m SET id = -id WHERE abs(id) % 500 = \(raw: String(one % 500));
                UPDATE public.m SET id = sign(id) * (abs(id) + 10000) WHERE abs(id) = \(raw: String(one));
                \(raw: round % 5 == 0 ? "ROLLBACK" : "COMMIT")
                """)
            if round % 60 == 0 { try connection.execute("VACUUM FULL public.k") }
        }
        var kills = 0
        var progress = 0
        for _ in 0..<60 {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            let seen = apply.waitForLine(seconds: 60) {
                $0.contains("backfill_progress") || $0.contains("backfill_completed") || $0.contains("caught_up")
            }
            #expect(seen != nil, "\(apply.errors)")
            apply.kill9()
            kills += 1
            progress += apply.lines.filter { $0.contains("backfill_progress") }.count
            guard
                try target.query("SELECT count(*) FROM flow.bindings WHERE phase <> 'streaming'")[0, 0] == "0",
                kills > 3
            else { continue }
            break
        }
        #expect(progress > 3, "it is copied in chunks, which stay")
        traffic.stop()
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        try expectEqual("after \(kills) kills")
        // Each row came once and went once at most, in a log of a table with a key that moves too.
        for table in ["k", "m"] {
            let left = try target.query(
                """
                SELECT count(*) FILTER (WHERE "_meta/op" IN ('r', 'c')) - count(*) FILTER (WHERE "_meta/op" = 'd'),
                       count(*) - count(DISTINCT ("_meta/source/lsn", "_meta/source/seq")) FROM public.\(id: "\(table)_log")
                """)
            #expect(try left[0, 0] == admin.query("SELECT count(*) FROM public.\(id: table)")[0, 0], "\(table)")
            #expect(left[0, 1] == "0", "\(table)")
        }
        #expect(
            try target.query("SELECT count(*) FROM pg_index WHERE indrelid = 'public.k'::regclass AND NOT indisunique")[
                0, 0]
                == "1")
        try end()
    }

    @Test("an update changes one of the rows that are the same, a delete removes one, whatever a type takes for equal")
    func one() throws {
        try create()
        let same = "(1, 'a', 1.0, 0, '{\"a\": 1}', '(1,2)', NULL)"
        try admin.execute(
            """
            INSERT INTO public.k VALUES \(raw: same), \(raw: same), \(raw: same),
              (1, 'a', 1.00, 0, '{"a": 1}', '(1,2)', NULL), (1, 'a', 1.0, '-0', '{"a": 1}', '(1,2)', NULL),
              (1, 'a', 1.0, 0, '{"a":1}', '(1,2)', NULL), (NULL, '', NULL, NULL, NULL, NULL, NULL),
              (NULL, NULL, NULL, NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL, NULL, NULL)
            """)
        try write()
        #expect(try once().exitCode == 0)
        try expectEqual("copied")
        let first =
            "(SELECT ctid FROM public.k WHERE v::text = '1.0' AND f::text = '0' AND j::text = '{\"a\": 1}' LIMIT 1)"
        let empty = "(SELECT ctid FROM public.k WHERE t IS NULL LIMIT 1)"
        for (change, comment) in [
            ("UPDATE public.k SET big = repeat('z', 3000) WHERE ctid = \(first)", "updated"),
            ("DELETE FROM public.k WHERE ctid = \(first)", "deleted"),
            ("DELETE FROM public.k WHERE ctid = \(empty); UPDATE public.k SET n = 7 WHERE t = ''", "NULL and empty"),
            ("UPDATE public.k SET t = t || 'b' WHERE big IS NOT NULL", "what is stored out of line"),
            (
                "UPDATE public.k SET v = 1.00 WHERE f::text = '-0'; UPDATE public.k SET f = 0 WHERE f::text = '-0'",
                "chained"
            ),
            ("INSERT INTO public.k SELECT 5, 'n', g % 2, 1, '1', '(0,0)' FROM generate_series(1, 900) g", "many"),
            (
                "UPDATE public.k SET f = f + 1 WHERE n = 5 AND v = 1; DELETE FROM public.k WHERE n = 5 AND v = 0",
                "staged"
            ),
            ("ALTER TABLE public.k ALTER n TYPE bigint; UPDATE public.k SET n = n + 1 WHERE n < 6", "widened"),
            ("BEGIN; TRUNCATE public.k; INSERT INTO public.k (t) VALUES ('x'), ('x'); COMMIT", "truncated"),
            ("DELETE FROM public.k WHERE ctid = (SELECT min(ctid) FROM public.k)", "one is left"),
        ] {
            try admin.execute("\(raw: change)")
            let outcome = try once()
            #expect(outcome.exitCode == 0, "\(comment): \(outcome.errors)")
            try expectEqual(comment)
        }
        #expect(
            try target.query("SELECT count(*) FROM public.k_soft WHERE \"_meta/op\" = 'd' AND t = 'x'")[0, 0] == "1")
        #expect(
            try target.query("SELECT count(*) FROM public.k_soft WHERE \"_meta/op\" = 'd' AND n = 5")[0, 0] == "450")

        // A column that comes is in the old rows too.
        try admin.execute("ALTER TABLE public.k ADD COLUMN c int DEFAULT 9; UPDATE public.k SET c = 10")
        #expect(try once().exitCode == 0)
        #expect(try target.query("SELECT string_agg(c::text, ',') FROM public.k")[0, 0] == "10")
        try end()
    }

    @Test("a row that is not there stops the link, and what is read again is mended, without touching what is equal")
    func mended() throws {
        try create()
        try admin.execute(
            """
            INSERT INTO public.k SELECT g, 'a', 1, 0, '1', '(1,2)' FROM generate_series(1, 50) g, generate_series(1, 3)
            """)
        try write()
        #expect(try once().exitCode == 0)
        let kept = try target.query("SELECT min(xmin::text), max(xmin::text) FROM public.k WHERE n = 40")
        try target.execute(
            """
            DELETE FROM public.k WHERE n = 7; UPDATE public.k SET t = 'b' WHERE n = 8; INSERT INTO public.k (n) VALUES (9), (9);
            DELETE FROM public.k_soft WHERE n = 7; INSERT INTO public.k_soft (n) VALUES (9), (9)
            """)
        try admin.execute("UPDATE public.k SET v = 2 WHERE n = 7")
        let stopped = try once()
        #expect(stopped.exitCode == 69)
        #expect(stopped.errors.contains("is not there"), "\(stopped.errors)")
        try write(backfill: 1)
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        try expectEqual("read again")
        let now = try target.query("SELECT min(xmin::text), max(xmin::text) FROM public.k WHERE n = 40")
        #expect(now[0, 0] == kept[0, 0] && now[0, 1] == kept[0, 1])
        #expect(
            try target.query("SELECT count(*) FROM public.k_soft WHERE \"_meta/op\" = 'd' AND t IS NULL")[0, 0] == "2")
        // It streams on.
        try admin.execute("DELETE FROM public.k WHERE n = 7 AND ctid = (SELECT max(ctid) FROM public.k WHERE n = 7)")
        #expect(try once().exitCode == 0)
        try expectEqual("afterwards")
        try end()
    }

    @Test(
        "read again under traffic and over kills, a mirror without a key ends equal, its deleted rows being kept once")
    func readAgain() throws {
        try create(index: "")
        try admin.execute(
            """
            INSERT INTO public.k SELECT g % 50, 'a', 1, 0, '1', '(1,2)', repeat('x', 100) FROM generate_series(1, 3000) g
            """)
        try write()
        #expect(try once().exitCode == 0)
        // Each row that is deleted from here on is another one.
        try admin.execute("CREATE SEQUENCE public.numbers START 1000")
        try target.execute("DELETE FROM public.k WHERE n = 7; DELETE FROM public.k_soft WHERE n = 9")
        try write(backfill: 1)
        let traffic = Thread.detached(source) { connection, round in
            try connection.execute(
                """
                INSERT INTO public.k SELECT nextval('public.numbers'), 'd', 1, 0, '1', '(1,2)' FROM generate_series(1, 2);
                UPDATE public.k SET v = v + 1 WHERE n = \(raw: String(round % 50));
                DELETE FROM public.k WHERE n = (SELECT max(n) FROM public.k WHERE n < \(raw: String(1000 + round)) AND n > 999)
                """)
        }
        for _ in 0..<4 {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            #expect(apply.waitForLine(seconds: 60) { $0.contains("backfill_") || $0.contains("caught_up") } != nil)
            apply.kill9()
        }
        traffic.stop()
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        try expectEqual("read again")
        let doubled = try target.query(
            """
            SELECT count(*) FROM (SELECT n FROM public.k_soft WHERE n > 999 AND "_meta/op" = 'd' GROUP BY n HAVING count(*) > 1) s
            """)
        #expect(doubled[0, 0] == "0")
        try end()
    }

    @Test(
        "a commit of several writers that is cut off before the link's own leaves no row doubled or lost, by one or many"
    )
    func apart() throws {
        try create()
        try admin.execute("INSERT INTO public.k SELECT g % 9, 'a', 1, 0, '1', '(1,2)' FROM generate_series(1, 90) g")
        try write(config: ", tasks: 3")
        #expect(try once().exitCode == 0)
        let look = try Connection(destination)
        func aheads() throws -> String? {
            try look.query(
                """
                SELECT count(*) FROM flow.bindings b JOIN flow.checkpoints c USING (materialization, capture)
                 WHERE b.position > c.position
                """)[0, 0]
        }
        for next in [1, 3] {
            try write(config: ", tasks: 3")
            let mark = "run \(next)"
            let run = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            try admin.execute("INSERT INTO public.k (t) VALUES (\(literal: mark))")
            let isRunning = try eventually(seconds: 60) {
                try look.query("SELECT FROM public.k WHERE t = \(literal: mark)").count == 1
            }
            #expect(isRunning, "\(run.errors)")
            let blocker = try Connection(destination)
            // What the source's tables look like is now and then noted in a commit, which then has one writer.
            var wasCut = false
            for _ in 0..<4 where !wasCut {
                try blocker.execute("BEGIN; SELECT FROM flow.checkpoints FOR SHARE")
                try admin.execute(
                    """
                    BEGIN;
                    INSERT INTO public.k SELECT g % 7, 'b', g % 2, 0, '1', '(1,2)' FROM generate_series(1, 1200) g;
                    UPDATE public.k SET v = v + 1 WHERE n = 3; DELETE FROM public.k WHERE n = 5 AND v = 1;
                    COMMIT
                    """)
                wasCut = try eventually(seconds: 30) { try aheads() == "4" }
                if !wasCut { try blocker.execute("ROLLBACK") }
            }
            #expect(wasCut, "\(run.errors)")
            run.kill9()
            #expect(try TestServers.endSessions(besides: look, blocker, target))
            try blocker.execute("ROLLBACK")
            #expect(try aheads() == "4")
            try admin.execute("UPDATE public.k SET t = 'c' WHERE n = 3; DELETE FROM public.k WHERE n = 2 AND v = 1")
            try write(config: ", tasks: \(next)")
            let outcome = try once()
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(try aheads() == "0")
            try expectEqual("by \(next)")
        }
        try end()
    }

    @Test(
        "what the log lacks of a mirror without a key has it compared as a whole, also where a change first names a row that it lacks"
    )
    func lacking() throws {
        try create()
        try admin.execute(
            """
            DROP TABLE public.k; CREATE TABLE public.k (n int, t text, v numeric, f float8, j json, p point, big text) PARTITION BY LIST (n);
            CREATE TABLE public.k_1 PARTITION OF public.k FOR VALUES IN (1); CREATE TABLE public.k_2 PARTITION OF public.k FOR VALUES IN (2);
            ALTER TABLE public.k REPLICA IDENTITY FULL; ALTER TABLE public.k_1 REPLICA IDENTITY FULL;
            ALTER TABLE public.k_2 REPLICA IDENTITY FULL;
            INSERT INTO public.k SELECT 1 + g % 2, 'a' || g % 3, 1, 0, '1', '(1,2)' FROM generate_series(1, 600) g
            """)
        try write(others: false, advanced: ", backfill_chunk_size: 50")
        #expect(try once().exitCode == 0)
        let cases: [(statements: String, isWatched: Bool)] = [
            (
                "ALTER TABLE public.k ALTER t TYPE text USING upper(t); DELETE FROM public.k WHERE t = 'A1' AND n = 2",
                true
            ),
            ("ALTER TABLE public.k DETACH PARTITION public.k_1", false),
            (
                """
                ALTER TABLE public.k ATTACH PARTITION public.k_1 FOR VALUES IN (1); UPDATE public.k SET v = 5 WHERE t = 'A2';
                INSERT INTO public.k SELECT * FROM public.k WHERE t = 'A0' AND n = 1
                """, true
            ),
            (
                "TRUNCATE public.k_2; DELETE FROM public.k WHERE v = 5; INSERT INTO public.k (n, t) VALUES (2, 'new'), (2, 'new')",
                false
            ),
        ]
        for (statements, isWatched) in cases {
            let watching = isWatched ? try FlowctlProcess(["apply", "-o", "json", catalog.path]) : nil
            if let watching {
                #expect(watching.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(watching.errors)")
            }
            try admin.execute("BEGIN; \(raw: statements); COMMIT")
            let apply = try watching ?? FlowctlProcess(["apply", "-o", "json", catalog.path])
            let line = apply.waitForLine(seconds: 60) {
                $0.contains("lacks what the log does not show: it is read again")
            }
            #expect(line != nil, "\(statements): \(apply.output) \(apply.errors)")
            apply.kill9()
            let outcome = try once()
            #expect(outcome.exitCode == 0, "\(statements): \(outcome.errors)")
            #expect(try rows(target) == rows(admin), "\(statements)")
        }
        try end()
    }

    @Test("a column with another order than when reading began by its values stops the link, though no table has it")
    func reordered() throws {
        try create()
        try admin.execute(
            """
            INSERT INTO public.k (n) SELECT g FROM generate_series(1, 1000) g; ANALYZE public.k;
            CREATE FUNCTION public.gate(v text) RETURNS bool LANGUAGE plpgsql AS $$
            BEGIN
              IF v::int > 500 THEN RAISE EXCEPTION 'closed'; END IF;
              RETURN true;
            END $$
            """)
        try write(
            stream: ", advanced: { additional_backfill_filter: \"public.gate(n::text)\" }",
            resource: ", delta_updates: true }, fields: { recommended: true, exclude: [n]", others: false,
            advanced: ", backfill_chunk_size: 50")
        let closed = try once()
        #expect(closed.exitCode != 0 && closed.errors.contains("closed"), "\(closed.errors)")
        let copied = try target.query("SELECT count(*) FROM public.k")[0, 0].flatMap { Int($0) } ?? 0
        #expect(copied > 0 && copied <= 500, "some of it is copied")
        try admin.execute(
            """
            CREATE OR REPLACE FUNCTION public.gate(v text) RETURNS bool LANGUAGE sql AS 'SELECT true';
            ALTER TABLE public.k ALTER n TYPE text
            """)
        let stopped = try once()
        #expect(stopped.exitCode == 69)
        #expect(stopped.errors.contains("no column of the same type"), "\(stopped.errors)")
        #expect(try target.query("SELECT count(*) FROM public.k")[0, 0] == String(copied))
        try end()
    }

    @Test("a mirror without a key is refused where the log lacks old rows, or rows would have to be told apart")
    func refused() throws {
        try admin.execute(
            "CREATE TABLE public.k (n int PRIMARY KEY, t text, v int, f int, j int, p int, big text); INSERT INTO public.k VALUES (1)"
        )
        try write()
        let refused = try once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("ALTER TABLE \"public\".\"k\" REPLICA IDENTITY FULL"), "\(refused.errors)")
        let check = try FlowctlProcess.run(["check", catalog.path])
        #expect(
            (check.output + check.errors).contains("ALTER TABLE \"public\".\"k\" REPLICA IDENTITY FULL"),
            "\(check.output)")
        for (stream, resource, advanced, word) in [
            (", advanced: { additional_backfill_filter: n > 1 }", "", "", "additional_backfill_filter"),
            ("", "", ", min_backfill_xid: '5'", "min_backfill_xid"),
            ("", ", adopt: true", "", "adopt"), ("", ", onRowError: quarantine", "", "onRowError: quarantine"),
        ] {
            try write(stream: stream, resource: resource, others: false, advanced: advanced)
            let outcome = try FlowctlProcess.run(["validate", catalog.path])
            let said = outcome.output + outcome.errors
            #expect(said.contains("'\(word)' needs rows that can be told apart"), "\(said)")
            #expect(try once().exitCode == 69)
        }
        try admin.execute("ALTER TABLE public.k REPLICA IDENTITY FULL")
        try write()
        #expect(try once().exitCode == 0)
        try admin.execute("UPDATE public.k SET n = 2, t = 'x'")
        #expect(try once().exitCode == 0)
        try expectEqual("mended")
        try end()
    }
}

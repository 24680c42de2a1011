import Foundation
import Postgres
import TestSupport
import Testing

/// What a catalog says of how tables are read, and of the capture's own changes at the source.
@Suite("steering a capture from the catalog")
struct SteeringTests {
    private let source: ConnectionParameters
    private let destination: ConnectionParameters
    private let admin: Connection
    private let target: Connection
    private let catalog: URL

    init() throws {
        (source, destination) = try TestServers.freshDatabases("steering")
        admin = try Connection(source)
        target = try Connection(destination)
        catalog = TestFolder.place("steering.yaml")
    }

    /// Tables with what their resources say besides.
    private func write(_ tables: [(String, resource: String)], advanced: String = "") throws {
        let names = tables.map(\.0)
        try """
        collections: { \(names.map { "steer/\($0): { key: [/id] }" }.joined(separator: ", ")) }
        captures:
          steer/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres, password: none,
                          advanced: { slotName: \(source.database)\(advanced) } }
            bindings:
        \(tables.map { "      - { resource: { namespace: public, stream: \($0.0)\($0.resource) }, target: steer/\($0.0) }\n" }.joined())
        materializations:
          steer/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none }
            bindings:
        \(names.map { "      - { source: steer/\($0), resource: { table: \($0) } }\n" }.joined())
        """.write(to: catalog, atomically: true, encoding: .utf8)
    }

    private func once() throws -> FlowctlProcess.Outcome { try FlowctlProcess.run(["apply", "--once", catalog.path]) }

    private func table(_ name: String, rows: Int) throws {
        try admin.execute(
            """
            CREATE TABLE public.\(id: name) (id int PRIMARY KEY, v int, big text);
            ALTER TABLE public.\(id: name) ALTER big SET STORAGE EXTERNAL;
            INSERT INTO public.\(id: name) SELECT g, 0, repeat('x', 3000) FROM generate_series(1, \(raw: String(rows))) g
            """)
    }

    private func sum(_ connection: Connection, _ table: String, _ condition: String = "true") throws -> String? {
        try connection.query(
            """
            SELECT count(*) || ' ' || md5(string_agg(id || ' ' || v || ' ' || md5(big), ',' ORDER BY id))
              FROM public.\(id: table) WHERE \(raw: condition)
            """)[0, 0]
    }

    private func end() throws {
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: catalog)
    }

    @Test(
        "tables of a higher priority are read to their end first, and one that is added later joins those that stream")
    func priorities() throws {
        for name in ["a", "b", "c", "d"] { try table(name, rows: 300) }
        let few = ", backfillWorkers: 2, backfill_chunk_size: 100"
        try write([("a", ""), ("b", ", priority: 5"), ("c", ", priority: -3")], advanced: few)
        let first = try FlowctlProcess.run(["apply", "--once", "-o", "json", catalog.path])
        #expect(first.exitCode == 0, "\(first.errors)")
        let started = first.output.components(separatedBy: "\n").filter { $0.contains("backfill_started") }
        let order = started.compactMap { line in ["b", "a", "c"].first { line.contains("public.\($0)\"") } }
        #expect(order == ["b", "a", "c"], "\(started)")
        let kinds = first.output.components(separatedBy: "\n").compactMap { line in
            ["backfill_started", "backfill_completed"].first { line.contains($0) }
        }
        #expect(kinds == Array(repeating: ["backfill_started", "backfill_completed"], count: 3).flatMap { $0 })

        try admin.execute("UPDATE public.a SET v = 1; UPDATE public.d SET v = 1 WHERE id < 50")
        try write([("a", ""), ("b", ", priority: 5"), ("c", ", priority: -3"), ("d", "")], advanced: few)
        let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("backfill_progress") } != nil, "\(apply.errors)")
        try admin.execute("UPDATE public.d SET v = 2 WHERE id % 3 = 0; DELETE FROM public.d WHERE id % 7 = 0")
        apply.kill9()
        try admin.execute("UPDATE public.d SET id = id + 1000 WHERE id % 5 = 0")
        let last = try once()
        #expect(last.exitCode == 0, "\(last.errors)")
        for name in ["a", "b", "c", "d"] { #expect(try sum(target, name) == sum(admin, name), "\(name)") }
        try end()
    }

    @Test("with a watermarks table each chunk waits for a mark in the log, and delete takes the capture's row away")
    func watermarks() throws {
        try table("a", rows: 500)
        try admin.execute(
            """
            CREATE SCHEMA ops;
            CREATE TABLE ops.marks (slot text PRIMARY KEY, watermark text);
            INSERT INTO ops.marks VALUES ('another', 'theirs');
            CREATE TABLE ops.seen (mark text);
            CREATE FUNCTION ops.note() RETURNS trigger LANGUAGE plpgsql AS
              'BEGIN INSERT INTO ops.seen VALUES (NEW.watermark); RETURN NULL; END';
            CREATE TRIGGER note AFTER INSERT OR UPDATE ON ops.marks FOR EACH ROW EXECUTE FUNCTION ops.note();
            """)
        try write([("a", "")], advanced: ", watermarksTable: ops.marks, backfill_chunk_size: 100")
        let provisioned = try FlowctlProcess.run(["apply", "--provision-only", catalog.path])
        #expect(provisioned.exitCode == 0, "\(provisioned.errors)")
        // While nobody can set a mark, no chunk is committed.
        try admin.execute("BEGIN; LOCK TABLE ops.marks IN EXCLUSIVE MODE")
        let watcher = try Connection(source)
        let apply = try FlowctlProcess(["apply", "--once", catalog.path])
        let waits = try eventually(seconds: 120) {
            try watcher.query(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO \"ops\".\"marks\"%'"
            ).count > 0
        }
        #expect(waits, "\(apply.errors)")
        #expect(try target.query("SELECT FROM public.a").count == 0)
        try admin.execute("UPDATE public.a SET v = 1 WHERE id % 3 = 0; COMMIT")
        #expect(apply.waitForExit(seconds: 120) == 0, "\(apply.errors)")
        #expect(try sum(target, "a") == sum(admin, "a"))
        #expect(try (admin.query("SELECT count(DISTINCT mark) FROM ops.seen")[0, 0].flatMap { Int($0) } ?? 0) >= 5)
        #expect(
            try admin.query("SELECT FROM pg_publication_tables WHERE schemaname = 'ops' AND tablename = 'marks'").count
                == 1)

        // The servers may still be ending the sessions of the runner that is gone: it is refused until they have.
        var deleted = try FlowctlProcess.run(["delete", "--yes", catalog.path])
        let isDeleted = try eventually(seconds: 120) {
            if deleted.exitCode != 0 { deleted = try FlowctlProcess.run(["delete", "--yes", catalog.path]) }
            return deleted.exitCode == 0
        }
        #expect(isDeleted && deleted.output.contains("of watermarks table"), "\(deleted)")
        let marks = try admin.query("SELECT slot FROM ops.marks")
        #expect(marks.count == 1 && marks[0, 0] == "another")
        try end()
    }

    @Test("a filter chooses the rows that are read, and every change counts, whole, also of rows that weren't")
    func filter() throws {
        try table("a", rows: 3000)
        try write(
            [("a", ", advanced: { additional_backfill_filter: 'id % 2 = 0 -- even' }")],
            advanced: ", backfill_chunk_size: 100")
        let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("backfill_progress") } != nil, "\(apply.errors)")
        try admin.execute("UPDATE public.a SET v = 1 WHERE id > 2800; DELETE FROM public.a WHERE id > 2950")
        try admin.execute("UPDATE public.a SET id = id + 5000 WHERE id BETWEEN 2700 AND 2720")
        apply.kill9()
        try admin.execute(
            """
            UPDATE public.a SET v = 2 WHERE id IN (7, 8); DELETE FROM public.a WHERE id IN (9, 10);
            UPDATE public.a SET v = 3 WHERE id IN (11, 13); UPDATE public.a SET id = 7011 WHERE id = 11;
            DELETE FROM public.a WHERE id = 13
            """)
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let counted = "id % 2 = 0 OR v > 0 OR id > 3000"
        #expect(try sum(target, "a") == sum(admin, "a", counted))
        try admin.execute("UPDATE public.a SET v = 9 WHERE id BETWEEN 100 AND 120")
        #expect(try once().exitCode == 0)
        #expect(try sum(target, "a") == sum(admin, "a", counted))
        try end()
    }

    @Test("rows older than min_backfill_xid are not read, frozen ones neither, until something changes them; nor again")
    func youngRows() throws {
        try table("a", rows: 1500)
        try admin.execute(
            "INSERT INTO public.a SELECT g, 0, repeat('y', 3000) FROM generate_series(1501, 3000) g")
        try admin.execute("VACUUM (FREEZE) public.a")
        let oldest = try #require(try admin.query("SELECT xmin FROM public.a WHERE id = 2000")[0, 0])
        let advanced = ", backfill_chunk_size: 100, min_backfill_xid: '\(oldest)'"
        try write([("a", "")], advanced: advanced)
        let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("backfill_progress") } != nil, "\(apply.errors)")
        try admin.execute("UPDATE public.a SET v = 1 WHERE id BETWEEN 1400 AND 1600")
        try admin.execute("UPDATE public.a SET id = id + 5000 WHERE id BETWEEN 1300 AND 1310 OR id > 2990")
        apply.kill9()
        try admin.execute("DELETE FROM public.a WHERE id IN (7, 1450, 2500); UPDATE public.a SET v = 2 WHERE id = 9")
        let counted = "xmin::text::bigint >= \(oldest)"
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try sum(target, "a") == sum(admin, "a", counted))

        let lost = try target.query("DELETE FROM public.a WHERE id > 2900 RETURNING id")
        #expect(lost.count > 0)
        try write([("a", "")], advanced: advanced)
        let text = try String(contentsOf: catalog, encoding: .utf8)
        try text.replacing("target: steer/a }", with: "target: steer/a, backfill: 1 }")
            .write(to: catalog, atomically: true, encoding: .utf8)
        let again = try once()
        #expect(again.exitCode == 0, "\(again.errors)")
        #expect(try sum(target, "a") == sum(admin, "a", counted))
        try end()
    }

    @Test("a min_backfill_xid that the server has not come to is refused before anything is made, by check too")
    func futureTransaction() throws {
        try table("a", rows: 1)
        try write([("a", "")], advanced: ", min_backfill_xid: '4000000000000'")
        for command in [["apply", "--once"], ["check"]] {
            let outcome = try FlowctlProcess.run(command + [catalog.path])
            #expect(outcome.exitCode == 69)
            #expect((outcome.errors + outcome.output).contains("no row would be read"), "\(outcome)")
        }
        #expect(try admin.query("SELECT FROM pg_publication").count == 0)
        try end()
    }

    @Test(
        "with historyMode an append-only table has every event, in order, however many of a row in one transaction; a mirror the last"
    )
    func history() throws {
        try table("a", rows: 2)
        try write([("a", "")])
        let text = try String(contentsOf: catalog, encoding: .utf8)
        try text.replacing("advanced: { slotName", with: "historyMode: true, advanced: { slotName")
            .replacing(
                "      - { source: steer/a, resource: { table: a } }",
                with: "      - { source: steer/a, resource: { table: a } }\n"
                    + "      - { source: steer/a, resource: { table: a_log, delta_updates: true } }"
            ).write(to: catalog, atomically: true, encoding: .utf8)
        #expect(try String(contentsOf: catalog, encoding: .utf8).contains("historyMode: true"))
        #expect(try once().exitCode == 0)
        try admin.execute(
            """
            BEGIN; INSERT INTO public.a VALUES (5, 1, 'x'); UPDATE public.a SET v = 2 WHERE id = 5;
            UPDATE public.a SET v = 2 WHERE id = 5; DELETE FROM public.a WHERE id = 5; INSERT INTO public.a VALUES (5, 3, 'x');
            UPDATE public.a SET id = 6 WHERE id = 5; SAVEPOINT s; DELETE FROM public.a; ROLLBACK TO s; COMMIT
            """)
        try admin.execute("UPDATE public.a SET v = 4 WHERE id = 6; DELETE FROM public.a WHERE id = 1")
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let events = try target.query(
            """
            SELECT string_agg("_meta/op" || id || coalesce('=' || v, ''), ' ' ORDER BY "_meta/source/lsn", "_meta/source/seq")
              FROM public.a_log
            """)[0, 0]
        #expect(events == "r1=0 r2=0 c5=1 u5=2 u5=2 d5 c5=3 u6=3 u6=4 d1")
        #expect(try sum(target, "a") == sum(admin, "a"))
        try end()
    }

    @Test("an update of a row that was not read, because its table is skipped, brings what the log leaves out")
    func skipped() throws {
        try table("a", rows: 50)
        try write([("a", "")], advanced: ", skip_backfills: 'public.a'")
        #expect(try once().exitCode == 0)
        try admin.execute("UPDATE public.a SET v = 1 WHERE id = 7; UPDATE public.a SET id = 108 WHERE id = 8")
        try admin.execute("UPDATE public.a SET v = 1 WHERE id = 9; DELETE FROM public.a WHERE id = 9")
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try sum(target, "a") == sum(admin, "a", "id IN (7, 108)"))
        try end()
    }

    @Test("heartbeats by table are written and published, and are at no destination")
    func heartbeatTable() throws {
        try table("a", rows: 10)
        try admin.execute(
            """
            CREATE SCHEMA streamkap;
            CREATE TABLE streamkap.streamkap_heartbeat (id serial PRIMARY KEY, text text, last_update timestamp DEFAULT now());
            INSERT INTO streamkap.streamkap_heartbeat (text) VALUES ('theirs')
            """)
        try write([("a", "")], advanced: ", heartbeat: { interval: 1s, schema: streamkap }")
        let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)")
        let beats: SQL = "SELECT text || ' ' || last_update FROM streamkap.streamkap_heartbeat"
        let flushed: SQL =
            "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = \(literal: source.database)"
        let (first, place) = (try admin.query(beats)[0, 0], try admin.query(flushed)[0, 0])
        #expect(eventually(seconds: 60) { (try? admin.query(beats)[0, 0]) != first })
        #expect(eventually(seconds: 60) { (try? admin.query(flushed)[0, 0]) != place })
        #expect(try admin.query(beats)[0, 0]?.hasPrefix("theirs") == true)
        // A lock on the table keeps nothing else from going on.
        let locker = try Connection(source)
        try locker.execute("BEGIN; LOCK TABLE streamkap.streamkap_heartbeat")
        try admin.execute("UPDATE public.a SET v = 5")
        #expect(eventually(seconds: 60) { (try? sum(target, "a")) == (try? sum(admin, "a")) }, "\(apply.errors)")
        try locker.execute("ROLLBACK")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
        #expect(try target.query("SELECT to_regclass('public.streamkap_heartbeat')")[0, 0] == nil)
        let published = try admin.query(
            "SELECT FROM pg_publication_tables WHERE tablename = 'streamkap_heartbeat' AND pubname = 'flow_publication'"
        )
        #expect(published.count == 1)
        try end()
    }

    @Test("heartbeats by message need no table; a capture that writes nothing is refused either")
    func heartbeatMessage() throws {
        try table("a", rows: 10)
        try write([("a", "")], advanced: ", heartbeat: { interval: 500ms, mode: message }")
        #expect(try once().exitCode == 0)
        let witness = source.database + "_w"
        _ = try admin.query("SELECT pg_create_logical_replication_slot(\(literal: witness), 'pgoutput')")
        let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        let seen: SQL = """
            SELECT count(*) FROM pg_logical_slot_peek_binary_changes(\(literal: witness), NULL, NULL, 'proto_version', '1',
              'publication_names', 'flow_publication', 'messages', 'true') WHERE get_byte(data, 0) = ascii('M')
            """
        #expect(eventually(seconds: 60) { Int((try? admin.query(seen)[0, 0]) ?? "0") ?? 0 >= 2 }, "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
        try write([("a", "")], advanced: ", read_only_capture: true, heartbeat: { interval: 1s, mode: message }")
        let refused = try once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("a heartbeat does"), "\(refused.errors)")
        try end()
    }
}

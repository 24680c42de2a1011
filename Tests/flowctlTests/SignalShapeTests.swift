import Foundation
import Postgres
import TestSupport
import Testing

/// Tables whose columns change while rows of theirs are read: of the log's shape, the chunk's and the destination's, none may be
/// taken for another. And tables that refuse a row meanwhile.
@Suite("columns that change while a table is read")
struct SignalShapeTests {
    private let source: ConnectionParameters
    private let destination: ConnectionParameters
    private let admin: Connection
    private let target: Connection
    private let catalog: URL

    init() throws {
        (source, destination) = try TestServers.freshDatabases("shapes")
        admin = try Connection(source)
        target = try Connection(destination)
        catalog = TestFolder.place("shapes.yaml")
        try admin.execute(
            """
            CREATE SCHEMA streamkap;
            CREATE TABLE streamkap.streamkap_signal (id text PRIMARY KEY, type text NOT NULL, data text);
            CREATE TABLE public.a (id int PRIMARY KEY, v varchar(10), x text)
            """)
    }

    /// `a` and a log of it at one destination; with `isTwice` a mirror of it at another one besides.
    private func write(isTwice: Bool = false, advanced: String = "") throws {
        let config = """
            { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres, password: none\(advanced) }
            """
        let second =
            isTwice
            ? """
              w/second:
                endpoint: { connector: { image: materialize-postgres:dev, config: \(config) } }
                bindings:
                  - { source: w/a, resource: { table: second } }

            """ : ""
        try """
        collections: { w/a: { key: [/id] } }
        captures:
          w/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres, password: none,
                          advanced: { slotName: \(source.database), backfill_chunk_size: 10, signalTable: streamkap } }
            bindings:
              - { resource: { namespace: public, stream: a }, target: w/a }
        materializations:
          w/first:
            endpoint: { connector: { image: materialize-postgres:dev, config: \(config) } }
            bindings:
              - { source: w/a, resource: { table: a } }
              - { source: w/a, resource: { table: a_log, delta_updates: true } }
        \(second)
        """.write(to: catalog, atomically: true, encoding: .utf8)
    }

    private func fill(_ rows: Int) throws {
        try admin.execute("INSERT INTO public.a SELECT g, 'v', 'x' FROM generate_series(1, \(raw: String(rows))) g")
    }

    private func once(_ expected: Int32 = 0) throws {
        let outcome = try FlowctlProcess.run(["apply", "--once", catalog.path], seconds: 120)
        #expect(outcome.exitCode == expected, "\(outcome.errors)\(outcome.output)")
    }

    private func signal(_ id: String, _ type: String, _ kind: String = "INCREMENTAL") throws {
        _ = try admin.query(
            "INSERT INTO streamkap.streamkap_signal VALUES ($1, $2, $3)",
            [id, type, #"{"data-collections": ["public.a"], "type": "\#(kind)"}"#])
    }

    private func reaches(_ id: String, _ states: String...) -> Bool {
        eventually(seconds: 60) {
            let rows = try? target.query("SELECT state FROM flow.signals WHERE id = \(literal: id)")
            return rows.map { $0.count == 1 && states.contains($0[0, 0] ?? "") } ?? false
        }
    }

    private func text(_ connection: Connection, _ columns: String, _ rows: String) throws -> String? {
        try connection.query(
            "SELECT string_agg(ROW(\(raw: columns))::text, ',' ORDER BY id) FROM \(raw: rows) AS r")[0, 0]
    }

    /// The mirrors are the source, and the log's newest changes come to the same.
    private func expectSame(_ columns: String, _ tables: String...) throws {
        let here = try text(admin, columns, "public.a")
        for table in tables { #expect(try text(target, columns, "public.\(table)") == here, "\(table)") }
        let newest = """
            (SELECT DISTINCT ON (id) *, "_meta/op" AS op FROM public.a_log
              ORDER BY id, "_meta/source/lsn" DESC, "_meta/source/seq" DESC)
            """
        #expect(try text(target, columns, "(SELECT * FROM \(newest) n WHERE op <> 'd')") == here)
    }

    private func end() throws {
        try TestServers.drop(source)
        try TestServers.drop(destination)
        try FileManager.default.removeItem(at: catalog)
    }

    private static let change = """
        ALTER TABLE public.a ADD COLUMN z int DEFAULT 4, ALTER COLUMN v TYPE varchar(20); ALTER TABLE public.a RENAME x TO y
        """

    @Test(
        "a change between a signal and the end of its read stops nothing, over a kill in between, whatever the log has of before and after",
        arguments: ["INCREMENTAL", "BLOCKING"], [false, true])
    func signalled(kind: String, isKilled: Bool) throws {
        try fill(120)
        try write()
        try once()
        try target.execute("DELETE FROM public.a WHERE id % 10 = 1; UPDATE public.a SET x = 'spoilt' WHERE id % 10 = 2")
        var apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)")
        let other = try Connection(source)
        // No chunk can be read before it ends. Its log has rows of each shape.
        try other.execute(
            """
            BEGIN; LOCK TABLE public.a IN ACCESS EXCLUSIVE MODE; UPDATE public.a SET v = 'mid', x = 'm' WHERE id = 110;
            ALTER TABLE public.a RENAME x TO w; INSERT INTO public.a VALUES (500, 'then', 't'); \(raw: Self.change.replacing("RENAME x", with: "RENAME w"))
            """)
        try signal("one", "execute-snapshot", kind)
        #expect(reaches("one", "running"), "\(apply.errors)")
        if isKilled { apply.kill9() }
        try other.execute("UPDATE public.a SET v = 'longer than ten', z = 5 WHERE id = 115; COMMIT")
        try admin.execute(
            "UPDATE public.a SET z = 6, v = 'longer than ten' WHERE id = 7; DELETE FROM public.a WHERE id = 9")
        if isKilled { apply = try FlowctlProcess(["apply", catalog.path]) }
        #expect(reaches("one", "done"), "\(apply.errors)")
        apply.kill9()
        try once()
        try expectSame("id, v, y, z", "a")
        try end()
    }

    @Test(
        "a signal that is heard with a change behind it, at the start, reads what the source has then, and all is there",
        arguments: ["INCREMENTAL", "BLOCKING"])
    func startedBehind(kind: String) throws {
        try fill(50)
        try write()
        try once()
        try target.execute("DELETE FROM public.a WHERE id % 10 = 1")
        try signal("one", "execute-snapshot", kind)
        try admin.execute("UPDATE public.a SET v = 'mid' WHERE id = 40; INSERT INTO public.a VALUES (60, 'then', 't')")
        try admin.execute(
            """
            \(raw: Self.change); UPDATE public.a SET v = 'longer than ten', z = 9 WHERE id = 30;
            DELETE FROM public.a WHERE id = 3
            """)
        // No row of the log has the last shape.
        try admin.execute("ALTER TABLE public.a DROP COLUMN y; ALTER TABLE public.a ALTER COLUMN v TYPE text")
        try signal("two", "execute-snapshot")
        try once()
        #expect(reaches("one", "done") && reaches("two", "done"))
        try expectSame("id, v, z", "a")
        try end()
    }

    @Test(
        "a column that grows in the middle of a first backfill stops no run, over a kill, with rows of before in what is read"
    )
    func backfilled() throws {
        try fill(2000)
        try write()
        var apply = try FlowctlProcess(["apply", catalog.path])
        #expect(
            eventually(seconds: 60) {
                (try? target.query("SELECT 1 FROM flow.bindings HAVING max(rows) > 20").count) == 1
            }, "\(apply.errors)")
        let other = try Connection(source)
        try other.execute(
            """
            BEGIN; LOCK TABLE public.a IN ACCESS EXCLUSIVE MODE; UPDATE public.a SET v = 'mid' WHERE id IN (3, 1999);
            \(raw: Self.change)
            """)
        apply.kill9()
        try other.execute("UPDATE public.a SET v = 'longer than ten' WHERE id IN (4, 1998); COMMIT")
        apply = try FlowctlProcess(["apply", catalog.path])
        try admin.execute("UPDATE public.a SET z = 7 WHERE id = 5; ALTER TABLE public.a ALTER COLUMN v TYPE text")
        try admin.execute("UPDATE public.a SET v = repeat('long', 10) WHERE id IN (6, 1997)")
        #expect(
            eventually(seconds: 60) {
                (try? target.query("SELECT 1 FROM flow.bindings WHERE phase = 'streaming'").count) == 2
            }, "\(apply.errors)")
        apply.kill9()
        try once()
        try expectSame("id, v, y, z", "a")
        try end()
    }

    @Test("a destination that is ahead of another sees older shapes in the log once more, and stays as it is")
    func aheadOfAnother() throws {
        try fill(20)
        try write(isTwice: true)
        try once()
        try target.execute("ALTER TABLE public.second ADD CONSTRAINT no_bad CHECK (v <> 'bad')")
        try admin.execute("UPDATE public.a SET v = 'bad' WHERE id = 2; UPDATE public.a SET v = 'mid' WHERE id = 3")
        try admin.execute("\(raw: Self.change); UPDATE public.a SET v = 'longer than ten' WHERE id = 4")
        try once(69)
        try target.execute("ALTER TABLE public.second DROP CONSTRAINT no_bad")
        try admin.execute("UPDATE public.a SET v = 'longer than that' WHERE id = 5")
        try once()
        try expectSame("id, v, y, z", "a", "second")
        try end()
    }

    @Test(
        "quarantine: a row that is refused while a signal reads its table ends the signal, and parks the table with all that follows"
    )
    func refused() throws {
        try fill(60)
        try write(advanced: ", onRowError: quarantine")
        try once()
        // One that only what is read can stumble over, and then one that comes by the log.
        try target.execute(
            """
            UPDATE public.a SET v = 'other' WHERE id = 33; ALTER TABLE public.a ADD CONSTRAINT all_other CHECK (id <> 33 OR v = 'other')
            """)
        try signal("rows", "execute-snapshot")
        try once()
        let rows = try target.query("SELECT state, error FROM flow.signals WHERE id = 'rows'")
        #expect(rows[0, 0] == "failed" && rows[0, 1]?.contains("all_other") == true, "\(rows[0, 1] ?? "")")
        #expect(try target.query("SELECT count(*) FROM flow.bindings WHERE phase = 'streaming'")[0, 0] == "2")
        #expect(try target.query("SELECT count(*) FROM flow.parks")[0, 0] == "0")
        try target.execute(
            """
            ALTER TABLE public.a DROP CONSTRAINT all_other; ALTER TABLE public.a_log ADD CONSTRAINT no_bad CHECK (v <> 'bad')
            """)
        let apply = try FlowctlProcess(["apply", catalog.path])
        // A start asks what the publication has of each table, which waits for locks (16 and later).
        try admin.execute("UPDATE public.a SET v = 'up' WHERE id = 4")
        #expect(
            eventually(seconds: 60) {
                (try? target.query("SELECT FROM public.a WHERE id = 4 AND v = 'up'").count) == 1
            }, "\(apply.errors)")
        let blocker = try Connection(source)
        try blocker.execute("BEGIN; LOCK TABLE public.a IN ACCESS EXCLUSIVE MODE")
        try signal("log", "execute-snapshot")
        #expect(reaches("log", "running"), "\(apply.errors)")
        try signal("hold", "pause-snapshot")
        #expect(reaches("log", "paused"), "\(apply.errors)")
        apply.kill9()
        try blocker.execute("COMMIT")
        try admin.execute(
            "UPDATE public.a SET v = 'bad' WHERE id = 50; UPDATE public.a SET v = 'after' WHERE id IN (3, 33)")
        try once(69)
        #expect(
            try target.query(
                """
                SELECT string_agg(destination_table || ' ' || phase, ', ' ORDER BY destination_table) FROM flow.bindings
                """)[0, 0] == "a backfilling, a_log streaming")
        #expect(try target.query("SELECT count(*) FROM flow.parks WHERE destination_table = 'a_log'")[0, 0] == "1")
        let error = try target.query("SELECT state, concat(error, details) FROM flow.signals WHERE id = 'log'")
        #expect(error[0, 1]?.contains("no_bad") == true, "\(error[0, 0] ?? "") \(error[0, 1] ?? "")")
        try target.execute("ALTER TABLE public.a_log DROP CONSTRAINT no_bad")
        #expect(try FlowctlProcess.run(["retry", catalog.path]).exitCode == 0)
        try signal("go", "resume-snapshot")
        try once()
        try expectSame("id, v, x", "a")
        try end()
    }
}

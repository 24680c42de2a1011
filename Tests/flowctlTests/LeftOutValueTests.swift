import Foundation
import Postgres
import TestSupport
import Testing

/// Large values that an update left out of the log, of rows that the destination lacks: what is read from the source in their
/// place must be the row's own.
@Suite("values that the log left out")
struct LeftOutValueTests {
    private let source: ConnectionParameters
    private let destination: ConnectionParameters
    private let admin: Connection
    private let target: Connection
    private let catalog: URL

    init() throws {
        (source, destination) = try TestServers.freshDatabases("leftout")
        admin = try Connection(source)
        target = try Connection(destination)
        try admin.execute(
            """
            CREATE TABLE public.a (id int PRIMARY KEY, n int, a text, b text);
            ALTER TABLE public.a ALTER a SET STORAGE EXTERNAL; ALTER TABLE public.a ALTER b SET STORAGE EXTERNAL;
            INSERT INTO public.a SELECT g, g, repeat('a' || g, 1000), repeat('b' || g, 1000) FROM generate_series(1, 9) g
            """)
        catalog = TestFolder.place("leftout.yaml")
    }

    private func write(_ mode: String, advanced: String = "", chunk: Int = 2, withB: Bool = false) throws {
        let (stream, table) =
            withB
            ? (
                "      - { resource: { namespace: public, stream: b }, target: left/b }\n",
                "      - { source: left/b, resource: { table: b } }"
            ) : ("", "")
        try """
        collections: { left/a: { key: [/id] }, left/b: { key: [/id] }, left/c: { key: [/id] } }
        captures:
          left/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres, password: none,
                          advanced: { slotName: \(source.database), backfill_chunk_size: \(chunk)\(advanced) } }
            bindings:
              - { resource: { namespace: public, stream: a\(mode) }, target: left/a }
        \(stream)materializations:
          left/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none }
            bindings:
              - { source: left/a, resource: { table: a } }
        \(table)
        """.write(to: catalog, atomically: true, encoding: .utf8)
    }

    private func once() throws {
        let outcome = try FlowctlProcess.run(["apply", "--once", catalog.path], seconds: 120)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
    }

    /// The rows that the table has at the destination, at both ends.
    private func expectSame(_ columns: String = "id, n, a, b") throws {
        let ids = try target.query("SELECT coalesce(string_agg(id::text, ','), '0') FROM public.a")[0, 0] ?? "0"
        let sum: SQL = """
            SELECT string_agg(concat_ws(' ', \(raw: columns)), ',' ORDER BY id) FROM (SELECT id, n, left(a, 7) a, left(b, 7) b
              FROM public.a WHERE id IN (\(raw: ids))) s
            """
        #expect(try target.query(sum)[0, 0] == admin.query(sum)[0, 0])
    }

    private func end() throws {
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: catalog)
    }

    private static let moves = [
        "UPDATE a SET id = 50 WHERE id = 9; UPDATE a SET id = 60 WHERE id = 50; INSERT INTO a VALUES (50, 0, repeat('o', 3000), repeat('p', 3000))",
        "UPDATE a SET id = 50 WHERE id = 9; UPDATE a SET id = 60 WHERE id = 8; UPDATE a SET id = 70 WHERE id = 50; UPDATE a SET id = 50 WHERE id = 60; UPDATE a SET id = 60 WHERE id = 70",
        "UPDATE a SET n = 0 WHERE id = 9; DELETE FROM a WHERE id = 9; INSERT INTO a VALUES (9, 1, repeat('o', 3000), repeat('p', 3000)); UPDATE a SET n = 5 WHERE id = 9",
        "UPDATE a SET n = 0 WHERE id = 9; SAVEPOINT s; UPDATE a SET n = 1 WHERE id = 9; UPDATE a SET id = 50 WHERE id = 9; RELEASE s; UPDATE a SET id = 9 WHERE id = 8",
    ]

    @Test(
        "a key that was freed and taken by another row gives no row another's value, within a transaction and over several",
        arguments: moves, [true, false])
    func exchanged(moves: String, isOneTransaction: Bool) throws {
        try admin.execute("SET search_path = public")
        try write(", mode: Only Changes")
        try once()
        if isOneTransaction {
            try admin.execute("BEGIN; \(raw: moves); COMMIT")
        } else {
            for move in moves.components(separatedBy: "; ")
            where !move.contains("SAVEPOINT") && !move.contains("RELEASE") {
                try admin.execute("\(raw: move)")
            }
        }
        try once()
        #expect(try target.query("SELECT count(*) > 0 FROM public.a")[0, 0] == "t")
        try expectSame()
        try end()
    }

    @Test("a row that moves into what a backfill has read has its own value, though its key was another's meanwhile")
    func backfilled() throws {
        try admin.execute(
            """
            INSERT INTO public.a SELECT g, g, repeat('a' || g, 600), 'b' FROM generate_series(100, 6000) g
            """)
        try write("", chunk: 20)
        let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(
            eventually(seconds: 60) {
                (try? target.query("SELECT count(*) > 50 FROM public.a")[0, 0]) == "t"
            }, "\(apply.errors)")
        apply.kill9()
        try admin.execute(
            """
            BEGIN; UPDATE public.a SET id = 50 WHERE id = 5999; UPDATE public.a SET id = 60 WHERE id = 50;
            INSERT INTO public.a VALUES (50, 0, repeat('o', 3000), 'p'); COMMIT;
            BEGIN; UPDATE public.a SET id = 10 WHERE id = 5990; UPDATE public.a SET id = 11 WHERE id = 5991;
            UPDATE public.a SET id = 12 WHERE id = 10; UPDATE public.a SET id = 10 WHERE id = 11;
            UPDATE public.a SET id = 11 WHERE id = 12; COMMIT
            """)
        try once()
        #expect(
            try target.query("SELECT count(*) FROM public.a")[0, 0]
                == admin.query("SELECT count(*) FROM public.a")[0, 0])
        try expectSame()
        try end()
    }

    @Test(
        "columns are asked for by their numbers: exchanged, renamed and dropped ones give no other's value, and stop nothing",
        arguments: [
            "ALTER TABLE public.a RENAME a TO x; ALTER TABLE public.a RENAME b TO a; ALTER TABLE public.a RENAME x TO b",
            "ALTER TABLE public.a RENAME a TO aa", "ALTER TABLE public.a DROP a",
        ])
    func renamed(change: String) throws {
        try write(", mode: Only Changes")
        try once()
        try admin.execute("UPDATE public.a SET n = n + 1")
        try admin.execute("BEGIN; UPDATE public.a SET n = n + 1 WHERE id > 4; \(raw: change); COMMIT")
        try admin.execute("UPDATE public.a SET n = 0 WHERE id = 2")
        for _ in 0..<2 { try once() }
        let source = try admin.query("SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM public.a t")
        let gone = change.contains("DROP") ? " - 'a'" : ""
        let stored = try target.query(
            "SELECT md5(string_agg((to_jsonb(t)\(raw: gone))::text, ',' ORDER BY id)) FROM public.a t")
        #expect(stored[0, 0] == source[0, 0])
        try end()
    }

    @Test(
        "a value that is read from the source is as the log has it: blanks at a text's end, a composite's nulls, nothing at all"
    )
    func texts() throws {
        for connection in [admin, target] { try connection.execute("CREATE TYPE public.pair AS (x text, y int)") }
        try admin.execute(
            """
            DROP TABLE public.a; CREATE TABLE public.a (id int PRIMARY KEY, n int, a char(3000), b public.pair, c text);
            ALTER TABLE public.a ALTER a SET STORAGE EXTERNAL; ALTER TABLE public.a ALTER b SET STORAGE EXTERNAL;
            INSERT INTO public.a VALUES (1, 1, 'blank', ROW(repeat('x', 3000), NULL), NULL), (2, 2, '', NULL, '')
            """)
        try write(", mode: Only Changes")
        let text = try String(contentsOf: catalog, encoding: .utf8).replacing(
            "resource: { table: a } }",
            with: "resource: { table: a }, fields: { recommended: true, require: { a: { castToString: true } } } }")
        try text.write(to: catalog, atomically: true, encoding: .utf8)
        try once()
        try admin.execute("UPDATE public.a SET n = 5")
        try once()
        let columns =
            "string_agg(concat_ws('/', id, n, octet_length(a), b IS NOT DISTINCT FROM NULL, (b).y, length((b).x), c), ' ' ORDER BY id)"
        #expect(
            try target.query("SELECT \(raw: columns) FROM public.a")[0, 0] == "1/5/3000/f/3000 2/5/3000/t/")
        try end()
    }

    @Test("a row that has gone without a word in the log is said and left out, and holds nothing up")
    func gone() throws {
        try write(", mode: Only Changes", advanced: ", truncate: ignore")
        try once()
        try admin.execute(
            """
            UPDATE public.a SET n = 0 WHERE id < 3; TRUNCATE public.a;
            INSERT INTO public.a VALUES (2, 7, 'a', 'b'), (30, 7, 'a', 'b')
            """)
        let outcome = try FlowctlProcess.run(["apply", "--once", catalog.path], seconds: 120)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect((outcome.errors + outcome.output).contains("does not show how they went"), "\(outcome.errors)")
        #expect(
            try target.query("SELECT string_agg(id || '/' || n, ' ' ORDER BY id) FROM public.a")[0, 0] == "2/7 30/7")
        try end()
    }

    @Test(
        "under traffic in which there is always another row that is not proven yet, what is done is committed and a run ends; over a kill nothing is lost"
    )
    func withoutPause() throws {
        try admin.execute(
            """
            CREATE TABLE public.stop (id int);
            CREATE PROCEDURE public.churn(first int, last int, pause float8) LANGUAGE plpgsql AS $$
            BEGIN
              FOR i IN first..last LOOP
                INSERT INTO public.a VALUES (i, 0, repeat('z' || i, 500), 'b'); COMMIT;
                UPDATE public.a SET n = 1 WHERE id = i; COMMIT;
                UPDATE public.a SET id = -id, n = 2 WHERE id = i - 1; COMMIT;
                UPDATE public.a SET id = 70 WHERE id = 7; COMMIT;
                UPDATE public.a SET id = 7 WHERE id = 8; COMMIT;
                UPDATE public.a SET id = 8 WHERE id = 70; COMMIT;
                IF i % 10 > 0 THEN DELETE FROM public.a WHERE id = 1 - i; COMMIT; END IF;
                EXIT WHEN EXISTS (SELECT FROM public.stop);
                IF pause > 0 THEN PERFORM pg_sleep(pause); END IF;
              END LOOP;
            END $$
            """)
        try admin.execute(
            """
            CREATE SCHEMA streamkap;
            CREATE TABLE streamkap.streamkap_signal (id text PRIMARY KEY, type text NOT NULL, data text);
            CREATE TABLE public.b (id int PRIMARY KEY, v int); INSERT INTO public.b SELECT g, g FROM generate_series(1, 50) g
            """)
        try write(", mode: Only Changes", advanced: ", signalTable: streamkap", withB: true)
        try once()
        try target.execute("DELETE FROM public.b WHERE id > 7")
        // So much that it goes on while the link has not come to where the source was as it began.
        try admin.execute("CALL public.churn(1001, 3000, 0)")
        let churn = Thread { [source] in try? Connection(source).execute("CALL public.churn(3001, 40000, 0.005)") }
        churn.start()
        let apply = try FlowctlProcess(["apply", catalog.path])
        let before = try target.query("SELECT position FROM flow.checkpoints")[0, 0] ?? ""
        #expect(
            eventually(seconds: 120) {
                (try? target.query(
                    "SELECT count(*) FROM flow.checkpoints WHERE position > \(literal: before)::pg_lsn")[0, 0]) == "1"
            }, "\(apply.errors)")
        // A signal doesn't wait for the end of it either.
        try admin.execute(
            """
            INSERT INTO streamkap.streamkap_signal VALUES ('b', 'execute-snapshot', '{"data-collections": ["public.b"]}')
            """)
        #expect(
            try eventually(seconds: 120) {
                try target.query("SELECT state FROM flow.signals WHERE id = 'b' AND state = 'done'").count == 1
            }, "\(apply.errors)")
        #expect(try target.query("SELECT count(*) FROM public.b")[0, 0] == "50")
        apply.kill9()
        try once()
        try admin.execute("INSERT INTO public.stop VALUES (1)")
        #expect(eventually(seconds: 120) { churn.isFinished })
        try once()
        try expectSame()
        #expect(
            try target.query("SELECT count(*) FROM public.a WHERE id > 9 OR id IN (7, 8) OR id < 0")[0, 0]
                == admin.query("SELECT count(*) FROM public.a WHERE id > 9 OR id IN (7, 8) OR id < 0")[0, 0])
        try end()
    }
}

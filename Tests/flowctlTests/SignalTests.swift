import Foundation
import JSON
import Postgres
import TestSupport
import Testing

/// Signals of operators: rows of the signal table, lines of the signal file, and what becomes of them.
@Suite("signals")
struct SignalTests {
    private let source: ConnectionParameters
    private let destination: ConnectionParameters
    private let admin: Connection
    private let target: Connection
    private let folder: URL
    private var catalog: URL { folder.appending(path: "flow.yaml") }

    init() throws {
        (source, destination) = try TestServers.freshDatabases("signals")
        admin = try Connection(source)
        target = try Connection(destination)
        try admin.execute(
            """
            CREATE SCHEMA streamkap;
            CREATE TABLE streamkap.streamkap_signal (id VARCHAR(255) PRIMARY KEY, type VARCHAR(32) NOT NULL,
              data VARCHAR(2000) NULL);
            CREATE TABLE public.a (id int PRIMARY KEY, v int, big text);
            ALTER TABLE public.a ALTER big SET STORAGE EXTERNAL;
            INSERT INTO public.a SELECT g, 0, repeat('x', 3000) FROM generate_series(1, 3000) g;
            CREATE TABLE public.b (id int PRIMARY KEY, v int);
            INSERT INTO public.b SELECT g, 0 FROM generate_series(1, 500) g
            """)
        folder = TestFolder.place("signals")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try write()
    }

    private func write(
        _ advanced: String = "signalTable: streamkap", user: String = "postgres", ofB: String = ""
    ) throws {
        try """
        collections: { s/a: { key: [/id] }, s/b: { key: [/id] } }
        captures:
          s/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: \(user), password: none,
                          advanced: { slotName: \(source.database), backfill_chunk_size: 100, \(advanced) } }
            bindings:
              - { resource: { namespace: public, stream: a }, target: s/a }
              - { resource: { namespace: public, stream: b }, target: s/b }
        materializations:
          s/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none }
            bindings:
              - { source: s/a, resource: { table: a } }
              - { source: s/b, resource: { table: b }\(ofB) }
              - { source: s/a, resource: { table: a_log, delta_updates: true } }
        """.write(to: catalog, atomically: true, encoding: .utf8)
    }

    private func once() throws {
        let outcome = try FlowctlProcess.run(["apply", "--once", catalog.path], seconds: 120)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
    }

    private func send(_ arguments: String...) throws -> String {
        let outcome = try FlowctlProcess.run(
            ["signal", "-o", "json", catalog.path, "--capture", "s/source"] + arguments)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return try JSONValue(parsing: outcome.output)["id"]?.stringValue ?? ""
    }

    private func insert(_ id: String, _ type: String, _ data: String?) throws {
        _ = try admin.query("INSERT INTO streamkap.streamkap_signal VALUES ($1, $2, $3)", [id, type, data])
    }

    private func state(_ id: String) throws -> String? {
        let rows = try target.query("SELECT state FROM flow.signals WHERE id = $1", [id])
        return rows.count == 1 ? rows[0, 0] : rows.count == 0 ? nil : "taken \(rows.count) times"
    }

    private func error(_ id: String) throws -> String {
        try target.query("SELECT error FROM flow.signals WHERE id = $1", [id])[0, 0] ?? ""
    }

    private func reaches(_ id: String, _ expected: String) throws -> Bool {
        try eventually(seconds: 60) { try state(id) == expected }
    }

    private func sum(_ connection: Connection, _ condition: String = "true") throws -> String? {
        try connection.query(
            """
            SELECT count(*) || ' ' || md5(string_agg(id || ' ' || v || ' ' || coalesce(md5(big), '-'), ',' ORDER BY id))
              FROM public.a WHERE \(raw: condition)
            """)[0, 0]
    }

    private func count(_ sql: SQL) throws -> String? { try target.query("SELECT count(*) FROM \(sql)")[0, 0] }

    private func spoil() throws {
        try target.execute(
            """
            DELETE FROM public.a WHERE id % 10 = 1; UPDATE public.a SET v = -1 WHERE id % 10 = 2;
            UPDATE public.a SET big = NULL WHERE id % 10 = 3;
            INSERT INTO public.a SELECT g, 0, 'ghost' FROM generate_series(100001, 100300) g
            """)
    }

    private func end() throws {
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: folder)
    }

    private func matchesLater() throws -> Bool { try eventually(seconds: 60) { try sum(target) == sum(admin) } }

    @Test(
        "tables are read again while they stream: what differs is mended, what is gone is removed, and status shows it")
    func readAgain() throws {
        try once()
        try spoil()
        let apply = try FlowctlProcess(["apply", catalog.path])
        let id = try send("backfill", "--table", "public.a")
        for round in 1...40 {
            let number = { (factor: Int) in String(round * factor % 3000 + 1) }
            try admin.execute(
                """
                UPDATE public.a SET v = v + 1 WHERE id = \(raw: number(37));
                DELETE FROM public.a WHERE id = \(raw: number(53));
                UPDATE public.a SET id = id + 10000 WHERE id = \(raw: number(71));
                INSERT INTO public.a VALUES (\(raw: String(20000 + round)), 0, repeat('z', 2500))
                """)
        }
        #expect(try reaches(id, "done"), "\(apply.errors)")
        #expect(try matchesLater())
        let reads = try target.query("SELECT count(*) >= 5500 FROM public.a_log WHERE \"_meta/op\" = 'r'")
        #expect(reads[0, 0] == "t")
        #expect(try target.query("SELECT to_regclass('public.streamkap_signal')")[0, 0] == nil)
        let status = try FlowctlProcess.run(["status", "-o", "json", catalog.path])
        let tasks = try JSONValue(parsing: status.output)["tasks"]?.arrayValue ?? []
        let signal = tasks.last?["signals"]?.arrayValue?.first
        #expect(signal?["id"]?.stringValue == id && signal?["state"]?.stringValue == "done")
        #expect(signal?["tables"] == ["public.a"] && (signal?["rows"]?.intValue ?? 0) > 5000)
        let text = try FlowctlProcess.run(["status", catalog.path]).output
        #expect(text.contains("signal \(id)") && text.contains("execute-snapshot  public.a"), "\(text)")
        // The same again by hand, of a pattern and an id of one's own; then a restart repeats nothing.
        try insert("mine", "execute-snapshot", #"{"data-collections": ["public\\.[bc]"], "type": "INCREMENTAL"}"#)
        #expect(try reaches("mine", "done"), "\(apply.errors)")
        apply.kill9()
        try once()
        #expect(try count("flow.signals") == "2")
        #expect(try target.query("SELECT rows FROM flow.signals WHERE id = 'mine'")[0, 0] == "500")
        try end()
    }

    @Test("over kills under traffic a queued signal is neither lost nor repeated, and the tables end as the source is")
    func killed() throws {
        try once()
        try spoil()
        for id in ["first", "second"] {
            try insert(id, "execute-snapshot", #"{"data-collections": ["public.a"]}"#)
        }
        var apply = try FlowctlProcess(["apply", catalog.path])
        for round in 0..<60 {
            if round % 4 == 1 {
                apply.kill9()
                apply = try FlowctlProcess(["apply", catalog.path])
            }
            try admin.execute(
                """
                UPDATE public.a SET v = v + 1 WHERE id % 100 = \(raw: String(round));
                DELETE FROM public.a WHERE id = \(raw: String(round * 29 % 3000 + 1))
                """)
            // Some chunks further.
            let before = try count("public.a_log")
            _ = try eventually(seconds: 10) { try count("public.a_log") != before }
            if round > 0, try state("second") == "done" { break }
        }
        #expect(try reaches("second", "done"), "\(apply.errors)")
        #expect(try state("first") == "done")
        #expect(try matchesLater())
        apply.kill9()
        #expect(try count("flow.signals") == "2")
        let doubled = try target.query(
            """
            SELECT count(*) - count(DISTINCT ("_meta/source/lsn", "_meta/source/seq")) FROM public.a_log
             WHERE "_meta/op" <> 'r'
            """)
        #expect(doubled[0, 0] == "0")
        try end()
    }

    @Test("a pause survives a restart, what is resumed goes on, and what is stopped leaves the rest as it is")
    func steered() throws {
        try once()
        try spoil()
        let data = #"{"data-collections": ["public.a"]}"#
        try admin.execute("BEGIN")
        try insert("all", "execute-snapshot", data)
        try insert("hold", "pause-snapshot", nil)
        try admin.execute("COMMIT")
        try once()
        #expect(try [state("all"), state("hold")] == ["paused", "done"])
        try once()
        #expect(try state("all") == "paused")
        #expect(try sum(target) != sum(admin))
        let status = try FlowctlProcess.run(["status", catalog.path]).output
        #expect(status.contains("paused"), "\(status)")
        _ = try send("resume")
        try once()
        #expect(try state("all") == "done")
        #expect(try sum(target) == sum(admin))
        try spoil()
        try admin.execute("BEGIN")
        try insert("again", "execute-snapshot", data)
        try insert("no", "stop-snapshot", #"{"data-collections": ["public.a"]}"#)
        try insert("none", "stop-snapshot", nil)
        try insert("said", "log", #"{"message": "a word for the log"}"#)
        try admin.execute("UPDATE public.b SET v = 9 WHERE id = 9; COMMIT")
        let outcome = try FlowctlProcess.run(["apply", "--once", catalog.path])
        #expect(outcome.exitCode == 0 && outcome.errors.contains("a word for the log"), "\(outcome.errors)")
        #expect(try ["again", "no", "said", "none"].map(state) == ["stopped", "done", "done", "failed"])
        #expect(try count("public.a WHERE big = 'ghost'") == "300")
        #expect(try count("public.b WHERE v = 9") == "1")
        try end()
    }

    @Test("a condition reads its rows alone and removes none; what can't be read fails by itself, with the reason")
    func conditions() throws {
        try once()
        try spoil()
        let id = try send("backfill", "--table", "a", "--where", "id <= 1000 -- the first")
        try insert(
            "broken", "execute-snapshot", #"{"data-collections": ["public.b"], "additional-condition": "nope = 1"}"#)
        try insert(
            "late", "execute-snapshot",
            #"{"data-collections": ["public.b"], "additional-condition": "1 / (id - 300) < 7"}"#)
        try insert("unknown", "execute-snapshot", #"{"data-collections": ["public.nothing", "public.b"]}"#)
        try insert("wrong", "execute-snapshot", #"{"data-collections": ["public.(b"]}"#)
        try insert("surrogate", "execute-snapshot", #"{"data-collections": ["public.b"], "surrogate-key": "v"}"#)
        try insert("key", "execute-snapshot", #"{"data-collections": ["public.b"], "surrogate-key": "id"}"#)
        try insert("type", "snapshot", nil)
        try once()
        #expect(try state(id) == "done")
        let within = "id <= 1000"
        #expect(try sum(target, within) == sum(admin, within))
        #expect(try count("public.a WHERE big = 'ghost'") == "300")
        #expect(try count("public.a WHERE v = -1") == "200")
        for (id, reason) in [
            ("broken", "nope"), ("late", "division by zero"), ("unknown", "public.nothing is no captured table"),
            ("wrong", "no regular expression"), ("surrogate", "no unique index"), ("type", "is none of"),
        ] {
            #expect(try state(id) == "failed", "\(id)")
            let said = try error(id)
            #expect(said.contains(reason), "\(id): \(said)")
        }
        #expect(try state("key") == "done")
        #expect(try target.query("SELECT rows FROM flow.signals WHERE id = 'unknown'")[0, 0] == "500")
        try end()
    }

    @Test("a blocking snapshot holds the log back until the rows are read, over a kill, and loses nothing of it")
    func blocking() throws {
        try once()
        try spoil()
        let id = try send("blocking", "--table", "public.a")
        for round in 1...60 {
            try admin.execute(
                """
                UPDATE public.a SET v = v + 1 WHERE id % 50 = \(raw: String(round % 50));
                UPDATE public.a SET id = -id WHERE id = \(raw: String(round * 31));
                DELETE FROM public.a WHERE id = \(raw: String(round * 17));
                UPDATE public.b SET v = \(raw: String(round))
                """)
        }
        var apply = try FlowctlProcess(["apply", catalog.path])
        #expect(try eventually(seconds: 60) { try state(id) == "running" || state(id) == "done" }, "\(apply.errors)")
        apply.kill9()
        apply = try FlowctlProcess(["apply", catalog.path])
        try admin.execute("UPDATE public.b SET v = 777; UPDATE public.a SET v = v + 1 WHERE id % 7 = 0")
        #expect(try reaches(id, "done"), "\(apply.errors)")
        #expect(try matchesLater())
        #expect(try eventually(seconds: 60) { try count("public.b WHERE v = 777") == "500" })
        let differing = try target.query(
            """
            SELECT count(*) FROM public.a FULL JOIN (
              SELECT DISTINCT ON (id) id, v, "_meta/op" AS op FROM public.a_log
               ORDER BY id, "_meta/source/lsn" DESC, "_meta/source/seq" DESC) l USING (id)
             WHERE a.id IS NOT NULL AND (l.op IS NULL OR l.op = 'd' OR l.v IS DISTINCT FROM a.v)
            """)
        #expect(differing[0, 0] == "0")
        apply.kill9()
        try end()
    }

    @Test(
        "a TRUNCATE after a blocking signal, which the rows that are read contain, leaves no row that the source lacks")
    func blockingTruncate() throws {
        try once()
        let id = try send("blocking", "--table", "public.a")
        try admin.execute("TRUNCATE public.a; INSERT INTO public.a VALUES (5, 5, 'new')")
        let apply = try FlowctlProcess(["apply", catalog.path])
        #expect(try reaches(id, "done"), "\(apply.errors)")
        #expect(try matchesLater())
        apply.kill9()
        try end()
    }

    @Test("a capture that never writes to its source hears a file beside its catalog, and takes each line once")
    func file() throws {
        try admin.execute("CREATE PUBLICATION flow_publication FOR TABLE public.a, public.b")
        try write("read_only_capture: true")
        let early = try send("backfill")
        try once()
        #expect(try state(early) == "stopped")
        try spoil()
        let apply = try FlowctlProcess(["apply", catalog.path])
        let id = try send("backfill", "--table", "public.a")
        #expect(try reaches(id, "done"), "\(apply.errors)")
        #expect(try matchesLater())
        apply.kill9()
        let line =
            "\n{\"id\": \"byhand\", \"type\": \"execute-snapshot\", \"data\": {\"data-collections\": [\"public.b\"]}}\nnonsense\n"
        let file = folder.appending(path: ".flowctl-signals/s%2Fsource.jsonl")
        let handle = try FileHandle(forWritingTo: file)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(line.utf8))
        try handle.close()
        for _ in 0..<2 {
            let outcome = try FlowctlProcess(["apply", catalog.path])
            #expect(try reaches("byhand", "done"), "\(outcome.errors)")
            outcome.kill9()
        }
        #expect(try count("flow.signals") == "4")
        #expect(try target.query("SELECT rows FROM flow.signals WHERE id = 'byhand'")[0, 0] == "500")
        #expect(try target.query("SELECT state FROM flow.signals WHERE place LIKE 'file/@%'")[0, 0] == "failed")
        try end()
    }

    @Test(
        "a file that is a link, or whose folder is none, is refused with the reason by whoever sends; the runner says that none arrives"
    )
    func unusableFile() throws {
        try admin.execute("CREATE PUBLICATION flow_publication FOR TABLE public.a, public.b")
        try write("read_only_capture: true")
        try once()
        let place = folder.appending(path: ".flowctl-signals")
        let file = place.appending(path: "s%2Fsource.jsonl")
        let other = folder.appending(path: "other")
        try Data("mine\n".utf8).write(to: other)
        let sent = { try FlowctlProcess.run(["signal", catalog.path, "--capture", "s/source", "pause"]) }
        try FileManager.default.createSymbolicLink(at: place, withDestinationURL: folder.appending(path: "nowhere"))
        let dangling = try sent()
        #expect(dangling.exitCode == 69 && dangling.errors.contains("a link that leads to none"), "\(dangling)")
        try FileManager.default.removeItem(at: place)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(at: file, withDestinationURL: other)
        let linked = try sent()
        #expect(linked.exitCode == 69 && linked.errors.contains("it is a symbolic link"), "\(linked)")
        #expect(try String(contentsOf: other, encoding: .utf8) == "mine\n")
        let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(
            apply.waitForLine(seconds: 60) { $0.contains("no signal arrives") && $0.contains("symbolic link") } != nil,
            "\(apply.output) \(apply.errors)")
        try FileManager.default.removeItem(at: file)
        let id = try send("backfill", "--table", "public.b")
        #expect(try reaches(id, "done"), "\(apply.errors)")
        apply.kill9()
        try end()
    }

    @Test("each of several destinations reads again for itself, exactly, over a kill; what ended long ago is forgotten")
    func severalDestinations() throws {
        let second = try TestServer.destination.database("signals_second")
        let text = try String(contentsOf: catalog, encoding: .utf8)
        let start = try #require(text.range(of: "  s/destination:"))
        let copy = text[start.lowerBound...].replacing("s/destination", with: "s/second")
            .replacing("database: \(destination.database)", with: "database: \(second.database)")
        try (text + "\n" + copy).write(to: catalog, atomically: true, encoding: .utf8)
        try once()
        let other = try Connection(second)
        try spoil()
        try other.execute("DELETE FROM public.a WHERE id < 500; INSERT INTO public.a VALUES (-1, 0, 'ghost')")
        try target.execute(
            """
            INSERT INTO flow.signals (materialization, capture, place, id, type, tables, state, details, position)
            SELECT 's/destination', 's/source', '0/1/' || n, 'old' || n, 'log', '{}', 'done', '', '0/1'
              FROM generate_series(1, 1500) n
            """)
        var apply = try FlowctlProcess(["apply", catalog.path])
        let id = try send("backfill", "--table", "public.a")
        #expect(
            eventually(seconds: 60) { (try? other.query("SELECT FROM flow.signals").count) == 1 }, "\(apply.errors)")
        apply.kill9()
        try admin.execute(
            "UPDATE public.a SET v = v + 1 WHERE id % 7 = 0; DELETE FROM public.a WHERE id % 11 = 0; UPDATE public.a SET id = -id WHERE id = 5"
        )
        apply = try FlowctlProcess(["apply", catalog.path])
        #expect(try reaches(id, "done"), "\(apply.errors)")
        let isDone = { try other.query("SELECT state FROM flow.signals")[0, 0] == "done" }
        #expect(try eventually(seconds: 60, isDone), "\(apply.errors)")
        #expect(try matchesLater())
        #expect(try eventually(seconds: 60) { try sum(other) == sum(admin) }, "\(apply.errors)")
        #expect(try count("flow.signals") == "1000")
        apply.kill9()
        try end()
        try TestServers.drop(second)
    }

    @Test("a table whose reading is paused is shown so, streams meanwhile, and is read to its end once that is resumed")
    func pausedTable() throws {
        try once()
        try spoil()
        let apply = try FlowctlProcess(["apply", catalog.path])
        // A start asks what the publication has of each table, which waits for locks (16 and later).
        try admin.execute("UPDATE public.a SET v = 7 WHERE id = 4")
        #expect(try eventually(seconds: 60) { try count("public.a WHERE id = 4 AND v = 7") == "1" }, "\(apply.errors)")
        let blocker = try Connection(source)
        try blocker.execute("BEGIN; LOCK TABLE public.a IN ACCESS EXCLUSIVE MODE")
        let id = try send("backfill", "--table", "public.a")
        #expect(try reaches(id, "running"), "\(apply.errors)")
        _ = try send("pause")
        #expect(try reaches(id, "paused"), "\(apply.errors)")
        try blocker.execute("COMMIT")
        let status = try JSONValue(parsing: FlowctlProcess.run(["status", "-o", "json", catalog.path]).output)
        let tasks = status["tasks"]?.arrayValue ?? []
        let shown = tasks.map { task in
            (task["bindings"]?.arrayValue ?? []).compactMap { $0["state"]?.stringValue }
        }
        #expect(shown == [["paused", "streaming"], ["paused", "streaming", "paused"]], "\(status)")
        #expect(tasks.compactMap { $0["state"]?.stringValue } == ["paused", "paused"])
        try admin.execute("UPDATE public.a SET v = 5 WHERE id = 4")
        #expect(try eventually(seconds: 60) { try count("public.a WHERE id = 4 AND v = 5") == "1" }, "\(apply.errors)")
        _ = try send("resume")
        #expect(try reaches(id, "done"), "\(apply.errors)")
        #expect(try matchesLater())
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
        try end()
    }

    @Test("a table that is disabled fails its part of a signal, with what helps, and the others are read")
    func disabled() throws {
        try write(ofB: ", onIncompatibleSchemaChange: disableBinding")
        try once()
        try admin.execute(
            "ALTER TABLE public.b ALTER v TYPE text USING 'v' || v; INSERT INTO public.b VALUES (1000, 'x')")
        let apply = try FlowctlProcess(["apply", catalog.path])
        #expect(try eventually(seconds: 60) { try count("flow.bindings WHERE phase = 'disabled'") == "1" })
        let alone = try send("backfill", "--table", "public.b")
        #expect(try reaches(alone, "failed"), "\(apply.errors)")
        #expect(try error(alone).contains("public.b is disabled at this destination; raise `backfill`"))
        try insert("all", "execute-snapshot", #"{"type": "INCREMENTAL", "data-collections": ["public[.].*"]}"#)
        #expect(try reaches("all", "failed"), "\(apply.errors)")
        #expect(try error("all").contains("public.b is disabled"))
        #expect(apply.errors.contains("public.b is disabled"), "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
        try end()
    }

    @Test("a signal table that is not published, or is captured, is an error; so is a signal that nobody would hear")
    func unheard() throws {
        try admin.execute(
            """
            CREATE PUBLICATION flow_publication FOR TABLE public.a, public.b;
            CREATE ROLE \(id: source.database) LOGIN REPLICATION; GRANT SELECT ON public.a, public.b TO \(id: source.database);
            GRANT USAGE ON SCHEMA streamkap TO \(id: source.database);
            GRANT SELECT, INSERT ON streamkap.streamkap_signal TO \(id: source.database)
            """)
        try write(user: source.database)
        let checked = try FlowctlProcess.run(["check", catalog.path])
        #expect(checked.exitCode == 69)
        #expect(checked.output.contains("it lacks \"streamkap\".\"streamkap_signal\""), "\(checked.output)")
        let sent = try FlowctlProcess.run(["signal", catalog.path, "--capture", "s/source", "backfill"])
        #expect(sent.exitCode == 69)
        #expect(sent.errors.contains("nobody would hear it"), "\(sent.errors)")
        let unknown = try FlowctlProcess.run(
            ["signal", catalog.path, "--capture", "s/source", "backfill", "--table", "public.c"])
        #expect(unknown.exitCode == 64 && unknown.errors.contains("no table 'public.c'"), "\(unknown.errors)")
        let ways: [(SQL, String)] = [
            (
                "ALTER PUBLICATION flow_publication ADD TABLE streamkap.streamkap_signal WHERE (id <> 'f')",
                "a row filter"
            ),
            ("ALTER PUBLICATION flow_publication ADD TABLE streamkap.streamkap_signal (id)", "a column list"),
        ]
        for (statement, what) in admin.serverVersion >= 150_000 ? ways : [] {
            try admin.execute(statement)
            let narrowed = try FlowctlProcess.run(["apply", "--once", catalog.path])
            #expect(narrowed.exitCode == 69 && narrowed.errors.contains("\(what) for it"), "\(narrowed.errors)")
            try admin.execute("ALTER PUBLICATION flow_publication DROP TABLE streamkap.streamkap_signal")
        }
        try admin.execute("CREATE SCHEMA turned; CREATE TABLE turned.streamkap_signal (data text, id text, type text)")
        try write("signalTable: turned")
        let turned = try FlowctlProcess.run(["apply", "--once", catalog.path])
        #expect(turned.exitCode == 69 && turned.errors.contains("not id, type and data"), "\(turned.errors)")
        try write("signalTable: public.b")
        let captured = try FlowctlProcess.run(["apply", "--once", catalog.path])
        #expect(captured.exitCode == 69 && captured.errors.contains("never materialized"), "\(captured.errors)")
        try admin.execute("DROP OWNED BY \(id: source.database); DROP ROLE \(id: source.database)")
        try end()
    }
}

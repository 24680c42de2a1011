import Foundation
import Postgres
import TestSupport
import Testing

/// What a run waits for at either database: said, given up at the first signal, and missed by nobody.
@Suite("waiting for others")
struct WaitingTests {
    private struct Setup {
        let source: ConnectionParameters
        let destination: ConnectionParameters
        let catalog: URL
        let admin: Connection

        init(_ name: String) throws {
            (source, destination) = try TestServers.freshDatabases(name)
            admin = try Connection(source)
            try admin.execute(
                """
                CREATE TABLE public.a (id int PRIMARY KEY, v text); INSERT INTO public.a VALUES (1, 'old');
                CREATE TABLE public.b (id int PRIMARY KEY, v text); INSERT INTO public.b VALUES (1, 'old');
                CREATE TABLE public.p (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
                CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (1000)
                """)
            catalog = TestFolder.place("wait.yaml")
            try write(["a"])
        }

        func write(_ tables: [String], advanced: String = "") throws {
            let captured = tables.map {
                "      - { resource: { namespace: public, stream: \($0) }, target: wait/\($0) }\n"
            }
            let stored = tables.map { "      - { source: wait/\($0), resource: { table: \($0) } }\n" }
            try """
            collections: { \(tables.map { "wait/\($0): { key: [/id] }" }.joined(separator: ", ")) }
            captures:
              wait/source:
                endpoint:
                  connector:
                    image: source-postgres:dev
                    config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                              password: none, advanced: { slotName: \(source.database)\(advanced) } }
                bindings:
            \(captured.joined())materializations:
              wait/destination:
                endpoint:
                  connector:
                    image: materialize-postgres:dev
                    config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database),
                              user: postgres, password: none }
                bindings:
            \(stored.joined())
            """.write(to: catalog, atomically: true, encoding: .utf8)
        }

        func apply() throws -> FlowctlProcess { try FlowctlProcess(["apply", "--once", "-o", "json", catalog.path]) }

        func rows(_ table: String) throws -> String? {
            try Connection(destination).query(
                "SELECT string_agg(id || v, ',' ORDER BY id) FROM public.\(id: table)")[0, 0]
        }

        /// Publications and slots of the source.
        func made() throws -> [String?] {
            let rows = try admin.query(
                """
                SELECT (SELECT string_agg(pubname, ',') FROM pg_publication),
                       (SELECT string_agg(slot_name, ',') FROM pg_replication_slots WHERE database = current_database())
                """)
            return [rows[0, 0], rows[0, 1]]
        }

        func end() throws {
            try TestServers.drop(source)
            try FileManager.default.removeItem(at: catalog)
        }
    }

    @Test(
        "servers that take connections and never answer don't outlast the first signal",
        arguments: ["source", "destination"])
    func silence(of end: String) throws {
        let setup = try Setup("wait_silence_\(end)")
        let silent = try SilentServer()
        let port = end == "source" ? setup.source.port : setup.destination.port
        try String(contentsOf: setup.catalog, encoding: .utf8)
            .replacingOccurrences(of: "127.0.0.1:\(port)", with: "127.0.0.1:\(silent.port)")
            .write(to: setup.catalog, atomically: true, encoding: .utf8)
        let apply = try setup.apply()
        #expect(try silent.waitForCaller(seconds: 60))
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        #expect(try setup.made() == [nil, nil])
        try setup.end()
    }

    @Test(
        "a transaction that keeps the slot from being made is named; the first signal ends the run and leaves nothing")
    func slotWaits() throws {
        let setup = try Setup("wait_slot")
        let writer = try Connection(setup.source)
        try writer.execute("BEGIN; INSERT INTO public.a VALUES (2, 'open')")
        let apply = try setup.apply()
        let said = apply.waitForLine(seconds: 60) { $0.contains("can be made when") }
        #expect(said?.contains("process \(writer.backendPID)") == true, "\(said ?? apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        #expect(try setup.made() == [nil, nil])
        try writer.execute("COMMIT")
        let again = try setup.apply()
        #expect(again.waitForExit(seconds: 60) == 0, "\(again.errors)")
        #expect(try setup.rows("a") == "1old,2open")
        try setup.end()
    }

    @Test("one that was killed as it made the slot is followed by one that makes it")
    func slotOfKilled() throws {
        let setup = try Setup("wait_killed")
        let writer = try Connection(setup.source)
        try writer.execute("BEGIN; INSERT INTO public.a VALUES (2, 'open')")
        let killed = try setup.apply()
        #expect(eventually(seconds: 60) { (try? setup.made()[1]) != nil })
        _ = killed.kill9()
        let apply = try setup.apply()
        let said = apply.waitForLine(seconds: 60) { $0.contains("is being made by") }
        #expect(said?.contains("process \(writer.backendPID)") == true, "\(said ?? apply.errors)")
        try writer.execute("COMMIT")
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        #expect(try setup.rows("a") == "1old,2open")
        let next = try setup.apply()
        #expect(next.waitForExit(seconds: 60) == 0, "\(next.errors)")
        try setup.end()
    }

    @Test("a table that joins is copied after those who wrote to it unpublished: open, prepared, and to a partition")
    func joining() throws {
        let setup = try Setup("wait_join")
        let first = try setup.apply()
        #expect(first.waitForExit(seconds: 60) == 0, "\(first.errors)")
        let writers = try [Connection(setup.source), Connection(setup.source)]
        try setup.admin.execute(
            "BEGIN; INSERT INTO public.b VALUES (2, 'prepared'); PREPARE TRANSACTION 'wait_join'")
        try writers[0].execute("BEGIN; INSERT INTO public.b VALUES (3, 'open')")
        try writers[1].execute("BEGIN; INSERT INTO public.p1 VALUES (4, 'leaf')")
        // The owner does it, before flowctl could see who is writing.
        try setup.admin.execute("ALTER PUBLICATION flow_publication ADD TABLE public.b, public.p")
        try setup.write(["a", "b", "p"])
        let stopped = try setup.apply()
        let said = stopped.waitForLine(seconds: 60) { $0.contains("before they were captured") }
        #expect(
            said?.contains("prepared transaction") == true && said?.contains("p1: process") == true, "\(said ?? "")")
        stopped.interrupt()
        #expect(stopped.waitForExit(seconds: 60) == 0, "\(stopped.errors)")

        let apply = try setup.apply()
        #expect(apply.waitForLine(seconds: 60) { $0.contains("before they were captured") } != nil)
        for writer in writers { try writer.execute("COMMIT") }
        try setup.admin.execute("COMMIT PREPARED 'wait_join'")
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        #expect(try setup.rows("b") == "1old,2prepared,3open")
        #expect(try setup.rows("p") == "4leaf")
        try setup.end()
    }

    @Test("a lock at the source that nobody lets go of does not outlast the first signal")
    func lockedSource() throws {
        let setup = try Setup("wait_source")
        // A row for each chunk: far more than can be read before the lock is there.
        try setup.admin.execute("INSERT INTO public.a SELECT g, 'more' FROM generate_series(2, 60000) g")
        try setup.write(["a"], advanced: ", backfill_chunk_size: 1")
        let apply = try setup.apply()
        #expect(apply.waitForLine(seconds: 60) { $0.contains("backfill_progress") } != nil, "\(apply.errors)")
        let locker = try Connection(setup.source)
        try locker.execute("BEGIN; LOCK TABLE public.a IN ACCESS EXCLUSIVE MODE")
        #expect(eventually(seconds: 60) { (try? isAwaited(setup.source)) == true })
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        try locker.execute("ROLLBACK")
        try setup.write(["a"])
        let again = try setup.apply()
        #expect(again.waitForExit(seconds: 60) == 0, "\(again.errors)")
        #expect(try Connection(setup.destination).query("SELECT count(*) FROM public.a")[0, 0] == "60000")
        try setup.end()
    }

    @Test("a lock at the destination that nobody lets go of does not outlast the first signal")
    func lockedDestination() throws {
        let setup = try Setup("wait_destination")
        let first = try setup.apply()
        #expect(first.waitForExit(seconds: 60) == 0, "\(first.errors)")
        let locker = try Connection(setup.destination)
        try locker.execute("BEGIN; LOCK TABLE public.a IN ACCESS EXCLUSIVE MODE")
        try setup.admin.execute("INSERT INTO public.a VALUES (2, 'new')")
        let apply = try setup.apply()
        #expect(eventually(seconds: 60) { (try? isAwaited(setup.destination)) == true })
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        try locker.execute("ROLLBACK")
        let again = try setup.apply()
        #expect(again.waitForExit(seconds: 60) == 0, "\(again.errors)")
        #expect(try setup.rows("a") == "1old,2new")
        try setup.end()
    }

    /// Whether somebody waits for a lock on the table.
    private func isAwaited(_ database: ConnectionParameters) throws -> Bool {
        try Connection(database).query(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'public.a'::regclass"
        ).count > 0
    }
}

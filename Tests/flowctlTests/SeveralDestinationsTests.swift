import Foundation
import Postgres
import TestSupport
import Testing

/// One capture that feeds two materializations at servers of their own.
@Suite("several destinations of one capture")
struct SeveralDestinationsTests {
    /// Two destinations, of which the second has a server that a test can stop.
    private struct Setup {
        let source: ConnectionParameters
        let steady: ConnectionParameters
        let shaky: LocalServer
        let folder: URL
        var catalog: String { folder.appending(path: "catalog.yaml").path }

        init(_ name: String, rows: Int, secondPassword: String = "none") throws {
            (source, steady) = try TestServers.freshDatabases(name)
            shaky = try LocalServer("shaky")
            try shaky.connect().execute("CREATE ROLE guest LOGIN PASSWORD 'right'")
            try Connection(source).execute(
                """
                CREATE TABLE public.notes (id int PRIMARY KEY, text text);
                INSERT INTO public.notes SELECT g, 'note ' || g FROM generate_series(1, \(raw: String(rows))) g
                """)
            folder = TestFolder.place("several")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try write(second: shaky.parameters(), password: secondPassword)
        }

        func write(second: ConnectionParameters, password: String = "none") throws {
            func config(_ parameters: ConnectionParameters, _ password: String = "none") -> String {
                "{ address: \"127.0.0.1:\(parameters.port)\", database: \(parameters.database), "
                    + "user: \(parameters.user), password: \(password), advanced: { slotName: \(source.database) } }"
            }
            func destination(_ name: String, _ parameters: ConnectionParameters, _ password: String) -> String {
                """
                  notes/\(name):
                    endpoint:
                      connector:
                        image: materialize-postgres:dev
                        config: { address: "127.0.0.1:\(parameters.port)", database: \(parameters.database),
                                  user: \(parameters.user), password: \(password) }
                    bindings: [ { source: notes/notes, resource: { table: notes } } ]

                """
            }
            let text = """
                captures:
                  notes/source:
                    endpoint: { connector: { image: source-postgres:dev, config: \(config(source)) } }
                    bindings: [ { resource: { namespace: public, stream: notes }, target: notes/notes } ]
                collections:
                  notes/notes: { key: [/id] }
                materializations:

                """
            try (text + destination("steady", steady, "none") + destination("shaky", second, password))
                .write(toFile: catalog, atomically: true, encoding: .utf8)
        }

        func add(_ first: Int, _ last: Int) throws {
            try Connection(source).execute(
                """
                INSERT INTO public.notes SELECT g, 'note ' || g
                  FROM generate_series(\(raw: String(first)), \(raw: String(last))) g
                """)
        }

        func count(_ parameters: ConnectionParameters) -> String? {
            try? Connection(parameters).query("SELECT count(*) FROM public.notes")[0, 0]
        }

        func confirmed() throws -> LSN? {
            try Connection(source).query(
                "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = \(literal: source.database)")[
                    0, 0
                ]
                .flatMap { LSN($0) }
        }

        /// Whether the slot's reader tells the source so many more times how far it is.
        func hearsFromReader(times: Int) throws -> Bool {
            let connection = try Connection(source)
            func latest() throws -> String? {
                try connection.query(
                    """
                    SELECT max(r.reply_time) FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid
                     WHERE s.slot_name = \(literal: source.database)
                    """)[0, 0]
            }
            for _ in 0..<times {
                let before = try latest()
                guard try eventually(seconds: 60, { try latest() ?? before != before }) else { return false }
            }
            return true
        }

        func end() throws {
            try TestServers.drop(source)
            shaky.remove()
            try FileManager.default.removeItem(at: folder)
        }
    }

    @Test(
        "while one destination is down the others go on, the slot keeps what it lacks, and it catches up by itself",
        .timeLimit(.minutes(10)))
    func outage() throws {
        let setup = try Setup("outage", rows: 5000)
        let apply = try FlowctlProcess(["apply", "-o", "json", setup.catalog])
        let areBoth = eventually(seconds: 60) { apply.lines.filter { $0.contains("caught_up") }.count == 2 }
        #expect(areBoth, "\(apply.errors)")
        #expect(setup.count(setup.steady) == "5000")
        #expect(setup.count(setup.shaky.parameters()) == "5000")
        setup.shaky.crash()
        try setup.add(5001, 5100)
        #expect(eventually(seconds: 60) { setup.count(setup.steady) == "5100" }, "\(apply.errors)")
        #expect(apply.waitForLine(seconds: 60) { $0.contains("\"retry\"") && $0.contains("notes/shaky") } != nil)
        // What it had stored is acknowledged by then.
        #expect(try setup.hearsFromReader(times: 2), "\(apply.errors)")
        let before = try #require(try setup.confirmed())
        try setup.add(5101, 5200)
        #expect(eventually(seconds: 60) { setup.count(setup.steady) == "5200" })
        // What is acknowledged after that has not moved the slot past what the stopped destination has.
        #expect(try setup.hearsFromReader(times: 2), "\(apply.errors)")
        #expect(try setup.confirmed() == before)
        try setup.shaky.start()
        #expect(eventually(seconds: 60) { setup.count(setup.shaky.parameters()) == "5200" }, "\(apply.errors)")
        try setup.add(5201, 5300)
        #expect(eventually(seconds: 60) { setup.count(setup.steady) == "5300" })
        #expect(eventually(seconds: 60) { setup.count(setup.shaky.parameters()) == "5300" })
        #expect(eventually(seconds: 60) { (try? setup.confirmed()).flatMap { $0 }.map { $0 > before } ?? false })
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        try setup.end()
    }

    @Test(
        "a destination that was down from the start gets all of it later, whatever the others acknowledged",
        .timeLimit(.minutes(10)))
    func lateDestination() throws {
        let setup = try Setup("late", rows: 300)
        let first = try FlowctlProcess.run(["apply", "--once", "-o", "json", setup.catalog])
        #expect(first.exitCode == 0, "\(first.errors)")
        setup.shaky.crash()
        try setup.add(301, 400)
        let apply = try FlowctlProcess(["apply", "-o", "json", setup.catalog])
        #expect(eventually(seconds: 60) { setup.count(setup.steady) == "400" }, "\(apply.errors)")
        try setup.add(401, 500)
        #expect(eventually(seconds: 60) { setup.count(setup.steady) == "500" })
        #expect(try setup.hearsFromReader(times: 2), "\(apply.errors)")
        try setup.shaky.start()
        #expect(eventually(seconds: 60) { setup.count(setup.shaky.parameters()) == "500" }, "\(apply.errors)")
        apply.terminate()
        #expect(apply.waitForExit(seconds: 60) == 0)
        try setup.end()
    }

    @Test(
        "one that refuses the role stops alone; the others go on, and the exit code says it", .timeLimit(.minutes(10)))
    func refusedRole() throws {
        let setup = try Setup("refused", rows: 300)
        var guest = setup.shaky.parameters()
        guest.user = "nobody"
        try setup.write(second: guest, password: "s3cret")
        let apply = try FlowctlProcess.run(["apply", "--once", "-o", "json", setup.catalog])
        #expect(apply.exitCode == 69)
        #expect(setup.count(setup.steady) == "300")
        let errors = apply.output.components(separatedBy: "\n").filter { $0.contains("\"event\":\"error\"") }
        #expect(errors.count == 1, "\(apply.output)")
        #expect(errors.first?.contains("notes/shaky") == true)
        #expect(!apply.output.contains("s3cret") && !apply.errors.contains("s3cret"))
        try setup.end()
    }
}

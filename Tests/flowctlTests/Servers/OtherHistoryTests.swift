import Foundation
import Postgres
import TestSupport
import Testing

@Suite("a source with another past than the checkpoint")
struct OtherHistoryTests {
    private static let orders = [PipelineFolder.Table(schema: "public", name: "orders", key: ["id"])]

    private static func insert(_ ids: ClosedRange<Int>, _ connection: Connection) throws {
        try connection.execute(
            "INSERT INTO public.orders SELECT generate_series(\(ids.lowerBound), \(ids.upperBound)), repeat('x', 400)")
    }

    private static func position(_ connection: Connection) throws -> LSN {
        let text = try connection.query("SELECT pg_current_wal_insert_lsn()")[0, 0] ?? ""
        return try #require(LSN(text))
    }

    /// Grows past a place by what other tables do: the slot shows nothing of it.
    private static func grow(past position: LSN, _ connection: Connection) throws {
        try connection.execute("CREATE TABLE IF NOT EXISTS public.other (note text)")
        while try Self.position(connection) <= position {
            try connection.execute("INSERT INTO public.other SELECT repeat('y', 500) FROM generate_series(1, 200)")
        }
    }

    @Test("a server restored from a copy of its files is refused, also once its log has grown past the checkpoint")
    func restored() throws {
        let source = try LocalServer("restored")
        try source.connect().execute("CREATE TABLE public.orders (id int PRIMARY KEY, note text)")
        try Self.insert(1...100, source.connect())
        let pipeline = try PipelineFolder(
            source.parameters(), TestServer.destination.database("restored"), slot: "restored")
        #expect(try pipeline.apply(Self.orders).exitCode == 0)

        source.stop()
        let copy = try ChildProcess("cp", ["-a", "\(source.folder)/data", "\(source.folder)/backup"])
        #expect(copy.wait() == 0)
        try source.start()
        try Self.insert(101...2000, source.connect())
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        let reached = try Self.position(source.connect())

        source.stop()
        let restore = try ChildProcess(
            "sh", ["-c", "rm -rf \"$0/data\" && mv \"$0/backup\" \"$0/data\"", source.folder])
        #expect(restore.wait() == 0)
        try source.start()
        let short = try pipeline.apply(Self.orders)
        #expect(short.exitCode == 69 && short.errors.contains("before the checkpoint"), "\(short.errors)")
        let status = try FlowctlProcess.run(["status", try pipeline.write(Self.orders)])
        #expect(status.output.contains("before the checkpoint"), "\(status.output)")
        let check = try FlowctlProcess.run(["check", try pipeline.write(Self.orders)])
        #expect(check.exitCode == 69 && check.output.contains("before the checkpoint"), "\(check.output)")

        // Other rows of the same table; then the same amount of nothing, which leaves the log without any of the table's.
        try Self.grow(past: reached, source.connect())
        let silent = try pipeline.apply(Self.orders)
        #expect(silent.exitCode == 69 && silent.errors.contains("restored from an older backup"), "\(silent.errors)")
        let late = try FlowctlProcess.run(["check", try pipeline.write(Self.orders)])
        #expect(late.exitCode == 69 && late.output.contains("restored from an older backup"), "\(late.output)")
        try Self.insert(5001...5010, source.connect())
        let other = try pipeline.apply(Self.orders)
        #expect(other.exitCode == 69 && other.errors.contains("restored from an older backup"), "\(other.errors)")
        let rows = try Connection(pipeline.destination).query("SELECT count(*), max(id) FROM public.orders")
        #expect(rows[0, 0] == "2000" && rows[0, 1] == "2000")
    }

    @Test("a server made of a base backup has no slot, and is refused")
    func baseBackup() throws {
        let source = try LocalServer("backed-up")
        try source.connect().execute("CREATE TABLE public.orders (id int PRIMARY KEY, note text)")
        let pipeline = try PipelineFolder(
            source.parameters(), TestServer.destination.database("base_backup"), slot: "backed_up")
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        try Self.insert(1...10, source.connect())
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        let backup = try LocalServer("backup", copyOf: source, isStandby: false)
        try Self.insert(11...20, source.connect())
        pipeline.source = backup.parameters()
        let missing = try pipeline.apply(Self.orders)
        #expect(
            missing.exitCode == 69 && missing.errors.contains("there is no such replication slot"), "\(missing.errors)")
        #expect(try backup.connect().query("SELECT count(*) FROM pg_replication_slots")[0, 0] == "0")
        // Nor is a server of another origin taken for it, whatever its slot is called.
        let stranger = try TestServer.source.database("backed_up")
        try Connection(stranger).execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, note text); CREATE PUBLICATION flow_publication FOR TABLE public.orders
            """)
        pipeline.source = stranger
        let other = try pipeline.apply(Self.orders)
        #expect(
            other.exitCode == 69 && other.errors.contains("the checkpoint belongs to the database cluster"),
            "\(other.errors)")
        let check = try FlowctlProcess.run(["check", try pipeline.write(Self.orders)])
        #expect(
            check.exitCode == 69 && check.output.contains("the checkpoint belongs to the database cluster"),
            "\(check.output)")
    }

    @Test("a kill right after commits that the slot has not heard of is gone on from")
    func acknowledgedLate() throws {
        let source = try LocalServer("behind")
        try source.connect().execute("CREATE TABLE public.orders (id int PRIMARY KEY, note text)")
        let pipeline = try PipelineFolder(
            source.parameters(), TestServer.destination.database("behind"), slot: "behind")
        func confirmed() throws -> LSN {
            let text = try source.connect().query("SELECT confirmed_flush_lsn FROM pg_replication_slots")[0, 0] ?? ""
            return try #require(LSN(text))
        }
        // The server writes down where a slot stands at checkpoints, and as the slot passes a place where the log says what is
        // running: after a crash it is behind, unless that place came last.
        var isBehind = false
        var last = 0
        for _ in 0..<20 where !isBehind {
            for _ in 0..<2 {
                try Self.insert(last + 1...last + 100, source.connect())
                last += 100
                #expect(try pipeline.apply(Self.orders).exitCode == 0)
            }
            let before = try confirmed()
            source.crash()
            try source.start()
            isBehind = try confirmed() < before
        }
        try #require(isBehind)
        try Self.insert(last + 1...last + 100, source.connect())
        let outcome = try pipeline.apply(Self.orders)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let rows = try Connection(pipeline.destination).query("SELECT count(*) FROM public.orders")
        #expect(rows[0, 0] == "\(last + 100)")
    }

    // MARK: - Promotion

    /// A primary and a standby that keeps its failover slots.
    private static func pair(_ name: String) throws -> (primary: LocalServer, standby: LocalServer) {
        let primary = try LocalServer("\(name)-primary")
        try primary.connect().execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, note text);
            SELECT pg_create_physical_replication_slot('standby', true)
            """)
        var settings = [("hot_standby_feedback", "on"), ("primary_slot_name", "standby")]
        if serverVersion >= 17 { settings.append(("sync_replication_slots", "on")) }
        return (primary, try LocalServer("\(name)-standby", copyOf: primary, isStandby: true, settings: settings))
    }

    private static func promote(_ standby: LocalServer) throws {
        let connection = try standby.connect()
        #expect(try connection.query("SELECT pg_promote()")[0, 0] == "t")
    }

    /// Runs the pipeline until the standby has a copy of its slot that outlives a promotion. It gets one once the slot has moved on
    /// since the standby first heard of it, and the log has told which transactions are running.
    private static func awaitCopy(of slot: String, _ pipeline: PipelineFolder, at standby: LocalServer) throws {
        let here = try Connection(pipeline.source)
        let there = try standby.connect()
        let apply = try FlowctlProcess(["apply", "-o", "json", pipeline.write(orders)])
        let isCopied = try eventually(seconds: 60) {
            try here.execute("UPDATE public.orders SET note = 'moved' WHERE id = 1; SELECT pg_log_standby_snapshot()")
            let rows = try there.query("SELECT temporary FROM pg_replication_slots WHERE slot_name = \(literal: slot)")
            return rows[0, 0] == "f"
        }
        #expect(isCopied, "the standby has no copy of the slot")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
    }

    @Test(
        "the slot's copy on a promoted standby is gone on with, without a gap",
        .enabled(if: serverVersion >= 17, "failover slots need PostgreSQL 17"))
    func failover() throws {
        let (primary, standby) = try Self.pair("failover")
        let pipeline = try PipelineFolder(
            primary.parameters(), TestServer.destination.database("failover"), slot: "taken_over",
            advanced: ["failoverSlot": true])
        try Self.insert(1...100, primary.connect())
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        let slot = try primary.connect().query(
            "SELECT failover FROM pg_replication_slots WHERE slot_name = 'taken_over'")
        #expect(slot[0, 0] == "t")
        try Self.awaitCopy(of: "taken_over", pipeline, at: standby)
        // Known at the destination, and to the standby, but not to its copy of the slot.
        try Self.insert(101...200, primary.connect())
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        try Self.insert(201...300, primary.connect())
        let last = try primary.connect().query("SELECT pg_current_wal_flush_lsn()")[0, 0] ?? ""
        let replica = try standby.connect()
        #expect(
            try eventually(seconds: 60) {
                try replica.query("SELECT pg_last_wal_replay_lsn() >= \(literal: last)::pg_lsn")[0, 0] == "t"
            })
        pipeline.source = standby.parameters()
        let early = try pipeline.apply(Self.orders)
        #expect(
            early.exitCode == 69 && early.errors.contains("failoverSlot is set, and it is a standby"), "\(early.errors)"
        )
        primary.crash()
        try Self.promote(standby)
        try Self.insert(301...400, standby.connect())
        let outcome = try pipeline.apply(Self.orders)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let copied = try tableDifference(
            TableAt(standby.parameters(), "public", "orders"), TableAt(pipeline.destination, "public", "orders"),
            columns: ["id", "note"], key: ["id"])
        #expect(copied.isEmpty && copied.rows == 400, "\(copied)")
    }

    @Test(
        "a promoted standby that was behind the destination is refused, also once its log has grown past the checkpoint",
        .enabled(if: serverVersion >= 17, "failover slots need PostgreSQL 17"))
    func behind() throws {
        let (primary, standby) = try Self.pair("lagging")
        let pipeline = try PipelineFolder(
            primary.parameters(), TestServer.destination.database("lagging"), slot: "lagging",
            advanced: ["failoverSlot": true])
        try Self.insert(1...100, primary.connect())
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        try Self.awaitCopy(of: "lagging", pipeline, at: standby)
        standby.stop()
        try Self.insert(101...2000, primary.connect())
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        let reached = try Self.position(primary.connect())
        primary.crash()
        try standby.start()
        try Self.promote(standby)
        pipeline.source = standby.parameters()
        let short = try pipeline.apply(Self.orders)
        #expect(short.exitCode == 69 && short.errors.contains("before the checkpoint"), "\(short.errors)")
        try Self.grow(past: reached, standby.connect())
        try Self.insert(5001...5010, standby.connect())
        let other = try pipeline.apply(Self.orders)
        #expect(other.exitCode == 69 && other.errors.contains("it is on timeline 2"), "\(other.errors)")
        let rows = try Connection(pipeline.destination).query("SELECT count(*), max(id) FROM public.orders")
        #expect(rows[0, 0] == "2000" && rows[0, 1] == "2000")
    }

    @Test(
        "a promoted standby without the slot is refused", .enabled(if: serverVersion < 17, "17 has failover slots"))
    func withoutSlot() throws {
        let (primary, standby) = try Self.pair("promoted")
        let pipeline = try PipelineFolder(
            primary.parameters(), TestServer.destination.database("promoted"), slot: "promoted")
        try Self.insert(1...100, primary.connect())
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        let last = try primary.connect().query("SELECT pg_current_wal_flush_lsn()")[0, 0] ?? ""
        let replica = try standby.connect()
        #expect(
            try eventually(seconds: 60) {
                try replica.query("SELECT pg_last_wal_replay_lsn() >= \(literal: last)::pg_lsn")[0, 0] == "t"
            })
        primary.crash()
        try Self.promote(standby)
        pipeline.source = standby.parameters()
        let outcome = try pipeline.apply(Self.orders)
        #expect(outcome.exitCode == 69 && outcome.errors.contains("promoted or restored"), "\(outcome.errors)")
        let asked = try PipelineFolder(
            standby.parameters(), TestServer.destination.database("promoted_early"), slot: "promoted",
            advanced: ["failoverSlot": true])
        let early = try asked.apply(Self.orders)
        #expect(
            early.exitCode == 69 && early.errors.contains("has no failover slots; 17 is the first"), "\(early.errors)")
    }
}

import Foundation
import Postgres
import TestSupport
import Testing

@Suite("the replication slot")
struct SlotTests {
    private static let orders = [PipelineFolder.Table(schema: "public", name: "orders", key: ["id"])]

    /// A pipeline that has copied two rows and was stopped.
    private static func stopped(_ name: String) throws -> PipelineFolder {
        let (source, destination) = try TestServers.freshDatabases(name)
        try Connection(source).execute(
            "CREATE TABLE public.orders (id int PRIMARY KEY, note text); INSERT INTO public.orders VALUES (1), (2)")
        let pipeline = try PipelineFolder(source, destination, slot: source.database)
        #expect(try pipeline.apply(orders).exitCode == 0)
        return pipeline
    }

    /// One after the other at the same slot, which no checkpoint goes on with again.
    @Test("what happened to it is said, and no row moves")
    func mishaps() throws {
        let pipeline = try Self.stopped("slot_mishaps")
        let slot = pipeline.source.database
        let source = try Connection(pipeline.source)
        let drop: SQL = "SELECT pg_drop_replication_slot(\(literal: slot));"
        let change: SQL = "INSERT INTO public.orders SELECT max(id) + 1 FROM public.orders;"
        func refused(_ message: String, _ statements: SQL..., on connection: Connection? = nil) throws {
            for statement in statements { try (connection ?? source).execute(statement) }
            let outcome = try pipeline.apply(Self.orders)
            #expect(outcome.exitCode == 69 && outcome.errors.contains(message), "\(outcome.errors)")
            #expect(outcome.errors.contains("hint"))
            // The checkpoint's own slot is gone: no other name helps.
            #expect(
                message.hasPrefix("(stranger") || outcome.errors.contains("rows from flow.checkpoints"),
                "\(outcome.errors)")
            // Before a run tells it, a check does, and in the same words where nothing is being read.
            let check = try FlowctlProcess.run(["check", pipeline.write(Self.orders)])
            let said = message.hasPrefix("(stranger") ? "reads from it" : message
            #expect(check.exitCode == 69 && check.output.contains(said), "\(check.output)")
            let rows = try Connection(pipeline.destination).query("SELECT count(*) FROM public.orders")
            #expect(rows[0, 0] == "2", "rows moved: \(message)")
        }

        var stranger = pipeline.source
        stranger.applicationName = "stranger"
        let reader = try Connection(replicationConnectionTo: stranger)
        try reader.startReplication(
            slot: slot, at: LSN(0),
            options: [("proto_version", "1"), ("publication_names", "\"flow_publication\"")])
        try refused("(stranger as postgres from 127.0.0.1) reads from it", change)
        reader.close()
        let isFree = try eventually(seconds: 60) {
            try source.query("SELECT FROM pg_replication_slots WHERE slot_name = \(literal: slot) AND NOT active").count
                == 1
        }
        #expect(isFree)

        let after = "after the checkpoint: something else has read from it, or it was made anew"
        try refused(
            after, change, "SELECT pg_replication_slot_advance(\(literal: slot), pg_current_wal_insert_lsn())")
        try refused("there is no such replication slot any more", drop)
        try refused("it is a physical slot", "SELECT pg_create_physical_replication_slot(\(literal: slot))")
        let other = "SELECT pg_create_logical_replication_slot(\(literal: slot), 'test_decoding')" as SQL
        try refused("its plugin is test_decoding, not pgoutput", drop, other)
        let twoPhase = "SELECT pg_create_logical_replication_slot(\(literal: slot), 'pgoutput', false, true)" as SQL
        try refused("it was made with two_phase", drop, twoPhase)
        let anew = "SELECT pg_create_logical_replication_slot(\(literal: slot), 'pgoutput')" as SQL
        try refused(after, drop, anew)
        try source.execute(drop)
        var postgres = pipeline.source
        postgres.database = "postgres"
        let neighbour = try Connection(postgres)
        defer { try? neighbour.execute(drop) }
        try refused("it belongs to database \"postgres\"", anew, on: neighbour)
        try neighbour.execute(drop)
        try Connection(pipeline.destination).execute(Self.beginningAnew)
        let begun = try pipeline.apply(Self.orders)
        #expect(begun.exitCode == 0, "\(begun.errors)")
        #expect(try pipeline.differences([("public.orders", "public.orders")]).isEmpty)
    }

    /// What a refused start says helps: `remove the links' rows … and empty their tables`.
    private static let beginningAnew: SQL =
        "DELETE FROM flow.checkpoints; DELETE FROM flow.bindings; TRUNCATE public.orders"

    @Test("one made by hand before the publication is moved on behind it, and the rows from before are read")
    func early() throws {
        let (at, to) = try TestServers.freshDatabases("slot_early")
        let source = try Connection(at)
        try source.execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, note text); CREATE TABLE public.others (id int);
            INSERT INTO public.orders VALUES (1)
            """)
        try source.execute("SELECT pg_create_logical_replication_slot(\(literal: at.database), 'pgoutput')")
        try source.execute("INSERT INTO public.orders VALUES (2); UPDATE public.orders SET note = 'x' WHERE id = 1")
        // Two that have begun before the publication is made, and end behind it.
        let open = try Connection(at)
        try open.execute("BEGIN; INSERT INTO public.others VALUES (1)")
        let prepared = "\(at.database)_prepared"
        try source.execute(
            "BEGIN; INSERT INTO public.others VALUES (2); PREPARE TRANSACTION \(literal: prepared)")
        let pipeline = try PipelineFolder(at, to, slot: at.database)
        let plan = try FlowctlProcess.run(["plan", pipeline.write(Self.orders)])
        #expect(
            plan.exitCode == 0 && plan.output.contains("pg_replication_slot_advance"), "\(plan.output)\(plan.errors)")
        let apply = try FlowctlProcess(["apply", "--once", "-o", "json", pipeline.write(Self.orders)])
        let waits = apply.waitForLine(seconds: 60) {
            $0.contains("began before the publication was made") && $0.contains("prepared transaction")
        }
        #expect(waits != nil, "\(apply.output)\(apply.errors)")
        try open.execute("INSERT INTO public.orders VALUES (3); COMMIT")
        try source.execute("COMMIT PREPARED \(literal: prepared)")
        #expect(apply.waitForExit(seconds: 120) == 0, "\(apply.output)\(apply.errors)")
        #expect(apply.output.contains("moved on to"), "\(apply.output)")
        #expect(try pipeline.differences([("public.orders", "public.orders")]).isEmpty)
        try source.execute("INSERT INTO public.orders VALUES (4); DELETE FROM public.orders WHERE id = 2")
        let goneOn = try pipeline.apply(Self.orders)
        #expect(goneOn.exitCode == 0 && !goneOn.output.contains("moved on to"), "\(goneOn.errors)")
        #expect(try pipeline.differences([("public.orders", "public.orders")]).isEmpty)
    }

    @Test("one made by hand before the publication is refused where rows from before are not read, and nothing is made")
    func earlyGap() throws {
        let (at, to) = try TestServers.freshDatabases("slot_early_gap")
        let source = try Connection(at)
        try source.execute("CREATE TABLE public.orders (id int PRIMARY KEY, note text)")
        try source.execute("SELECT pg_create_logical_replication_slot(\(literal: at.database), 'pgoutput')")
        try source.execute("INSERT INTO public.orders VALUES (1)")
        let pipeline = try PipelineFolder(at, to, slot: at.database, advanced: ["skip_backfills": "public.orders"])
        let refused = try pipeline.apply(Self.orders)
        #expect(
            refused.exitCode == 69 && refused.errors.contains("it was made before publication"), "\(refused.errors)")
        #expect(try source.query("SELECT FROM pg_publication").count == 0)
        let check = try FlowctlProcess.run(["check", pipeline.write(Self.orders)])
        #expect(check.exitCode == 69 && check.output.contains("it was made before publication"), "\(check.output)")
        try source.execute("SELECT pg_drop_replication_slot(\(literal: at.database))")
        let begun = try pipeline.apply(Self.orders)
        #expect(begun.exitCode == 0, "\(begun.errors)")
        try source.execute("INSERT INTO public.orders VALUES (2)")
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        #expect(try Connection(to).query("SELECT string_agg(id::text, ',') FROM public.orders")[0, 0] == "2")
    }

    @Test("what its reader acknowledges while a start waits for it is not taken for another past")
    func acknowledgedMeanwhile() throws {
        let pipeline = try Self.stopped("slot_meanwhile")
        let source = try Connection(pipeline.source)
        let slot = pipeline.source.database
        func confirmed() throws -> String {
            try source.query(
                "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = \(literal: slot)")[0, 0] ?? ""
        }
        // The slot as a crash leaves it: behind the checkpoint, with the last transaction in between.
        try source.execute(
            """
            SELECT pg_copy_logical_replication_slot(\(literal: slot), 'slot_meanwhile_old');
            INSERT INTO public.orders VALUES (3)
            """)
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        let reached = try confirmed()
        try source.execute(
            """
            SELECT pg_drop_replication_slot(\(literal: slot));
            SELECT pg_copy_logical_replication_slot('slot_meanwhile_old', \(literal: slot));
            SELECT pg_drop_replication_slot('slot_meanwhile_old')
            """)
        try #require(try source.query("SELECT \(literal: try confirmed())::pg_lsn < \(literal: reached)")[0, 0] == "t")

        let reader = try Connection(replicationConnectionTo: pipeline.source)
        try reader.startReplication(
            slot: slot, at: LSN(0),
            options: [("proto_version", "1"), ("publication_names", "\"flow_publication\"")])
        let apply = try FlowctlProcess(["apply", "--once", "-o", "json", pipeline.write(Self.orders)])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("is still read by") } != nil, "\(apply.errors)")
        try reader.sendStandbyStatus(#require(LSN(reached)), requestReply: false)
        let isTold = try eventually(seconds: 60) { try confirmed() == reached }
        #expect(isTold)
        reader.close()
        #expect(apply.waitForExit(seconds: 120) == 0, "\(apply.errors)")
        let rows = try Connection(pipeline.destination).query("SELECT count(*) FROM public.orders")
        #expect(rows[0, 0] == "3")
    }

    @Test("near its limit it is a warning with bytes and time while apply runs; lost, it is refused")
    func limit() throws {
        let source = try LocalServer(
            "slot-limit", settings: [("max_slot_wal_keep_size", "48MB"), ("min_wal_size", "32MB")])
        let connection = try source.connect()
        try connection.execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, note text);
            ALTER TABLE public.orders ALTER note SET STORAGE EXTERNAL
            """)
        let pipeline = try PipelineFolder(
            source.parameters(), TestServer.destination.database("slot_limit"), slot: "limited")
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
        let destination = try Connection(pipeline.destination)
        try destination.execute("BEGIN; LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE")
        let apply = try FlowctlProcess(["apply", "-o", "json", pipeline.write(Self.orders)])
        let warning = eventually(seconds: 60) {
            try? connection.execute(
                "INSERT INTO public.orders SELECT coalesce(max(id), 0) + 1, repeat('x', 20000) FROM public.orders")
            return apply.lines.contains { $0.contains("\"warning\"") && $0.contains("will be lost after") }
        }
        #expect(warning, "\(apply.output) \(apply.errors)")
        let text = apply.lines.first { $0.contains("will be lost after") } ?? ""
        #expect(text.contains(" of log: in about ") && text.contains("it is 48MB"), "\(text)")
        for _ in 0..<8 {
            try connection.execute(
                "SELECT pg_switch_wal(); INSERT INTO public.orders SELECT max(id) + 1 FROM public.orders")
            try connection.execute("CHECKPOINT")
        }
        try destination.execute("ROLLBACK")
        // The server ends whoever reads from a slot that it gives up.
        #expect(apply.waitForExit(seconds: 60) == 69, "\(apply.lines.suffix(3)) \(apply.errors)")
        #expect(apply.errors.contains("wal_status is lost"), "\(apply.errors)")
        let check = try FlowctlProcess.run(["check", pipeline.write(Self.orders)])
        #expect(check.exitCode == 69 && check.output.contains("wal_status is lost"), "\(check.output)")
    }

    @Test("an idle source beside a busy database of its server keeps no log: the slot moves on")
    func neighbour() throws {
        let pipeline = try Self.stopped("slot_idle")
        let neighbour = try Connection(TestServer.source.database("slot_busy"))
        try neighbour.execute("CREATE TABLE public.busy (note text)")
        let apply = try FlowctlProcess(["apply", "-o", "json", pipeline.write(Self.orders)])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("\"caught_up\"") } != nil, "\(apply.errors)")
        let before = try neighbour.query("SELECT pg_current_wal_insert_lsn()")[0, 0] ?? ""
        for _ in 0..<5 {
            try neighbour.execute("INSERT INTO public.busy SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
        }
        let after = try neighbour.query("SELECT pg_current_wal_insert_lsn()")[0, 0] ?? ""
        // The slot's older end follows where the log says which transactions are running, as it does at checkpoints.
        let moved = try eventually(seconds: 60) {
            try neighbour.execute("CHECKPOINT")
            let rows = try neighbour.query(
                """
                SELECT confirmed_flush_lsn >= \(literal: after)::pg_lsn AND restart_lsn > \(literal: before)::pg_lsn
                  FROM pg_replication_slots WHERE slot_name = \(literal: pipeline.source.database)
                """)
            return rows.count == 1 && rows[0, 0] == "t"
        }
        #expect(moved, "the slot keeps the log of a database that it doesn't read")
        let checkpoint = try Connection(pipeline.destination).query("SELECT * FROM flow.checkpoints")
        #expect(checkpoint.count == 1)
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)
        #expect(try pipeline.apply(Self.orders).exitCode == 0)
    }
}

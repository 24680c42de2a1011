import Connectors
import Postgres
import TestSupport
import Testing

@testable import MaterializePostgres

@Suite("commits and fences")
struct CommitTests {
    let shape = TableShape.test([.int("id", key: true), .text("name")])

    private func checkpoint(_ position: UInt64, _ state: String = "{}") -> LinkCheckpoint {
        LinkCheckpoint(position: LogPosition(position), captureState: state)
    }

    @Test("a new link has no checkpoint; what was committed last is there as it is opened again")
    func reopening() throws {
        let destination = try Destination()
        let materialization = destination.materialization()
        let spec = LinkSpec(
            capture: "acme/capture", materialization: "acme/warehouse", bindings: [.test(shape)])
        let first = try materialization.open(spec)
        #expect(first.checkpoint == nil)
        #expect(first.checkpoint(of: 0) == nil)
        try first.attach(
            [AttachedTable(shape, BindingCheckpoint(phase: .pending), willBackfill: true)],
            beginning: checkpoint(5, "{\"slot\":1}"))
        #expect(first.checkpoint?.position == LogPosition(5))
        try first.commit(checkpoint(7, "{\"slot\":2}"), bindings: [:])
        let state = BindingCheckpoint(
            phase: .streaming, backfill: "{}", backfillCounter: 3, rows: 1 << 40, bytes: 7, estimatedRows: 9)
        try first.commit(checkpoint(0x16_B374_D848, "{\"slot\":2}"), bindings: [0: state])
        first.close()
        let second = try materialization.open(spec)
        #expect(second.checkpoint?.position == LogPosition("16/B374D848"))
        #expect(second.checkpoint?.captureState == "{\"slot\":2}")
        #expect(second.checkpoint(of: 0) == state)
        second.close()
    }

    @Test("rows are seen by nobody before their commit, and with their checkpoint from then on")
    func atomicity() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape)
        try link.storeOpen(shape) { rows in for id in 0..<200 { rows.insert([.text("\(id)"), "a"]) } }
        try link.transactor.flush()
        let both: SQL = "SELECT (SELECT count(*) FROM public.orders), position FROM flow.checkpoints"
        #expect(try destination.rows(both) == ["0|0/64"])
        #expect(link.transactor.isOpen)
        try link.commit()
        #expect(try destination.rows(both) == ["200|0/65"])
        #expect(!link.transactor.isOpen)
    }

    @Test("a transaction that is rolled back leaves nothing, and the next one goes on", arguments: [10, 200])
    func rollback(count: Int) throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape)
        for round in 0..<3 {
            try link.storeOpen(shape) { rows in
                for id in 0..<count { rows.update([.text("\(id)"), .text("\(round)")]) }
            }
            if round != 1 { link.transactor.rollback() } else { try link.commit() }
        }
        try link.store(shape) { rows in for id in 0..<count { rows.update([.text("\(id + 1)"), "last"]) } }
        #expect(
            try destination.rows("SELECT count(*), count(*) FILTER (WHERE name = '1') FROM public.orders")
                == ["\(count + 1)|1"])
    }

    @Test("an older runner's commit changes nothing once a newer one has opened the link", arguments: [0, 10, 200])
    func fence(count: Int) throws {
        let destination = try Destination()
        let old = try TestLink(destination, shape)
        try old.store(shape) { rows in rows.insert([1, "before"]) }
        try old.storeOpen(shape) { rows in
            for id in 2..<2 + count { rows.insert([.text("\(id)"), "old"]) }
        }
        let new = try TestLink(destination, shape)
        let error = #expect(throws: RunError.self) { try old.commit() }
        #expect(error?.kind == .fenced)
        old.transactor.rollback()
        let again = #expect(throws: RunError.self) { try old.store(shape) { rows in rows.insert([500, "old"]) } }
        #expect(again?.kind == .fenced)
        try new.store(shape) { rows in rows.insert([1000, "new"]) }
        #expect(try destination.rows("SELECT name FROM public.orders ORDER BY id") == ["before", "new"])
        #expect(try destination.value("SELECT fence FROM flow.checkpoints") == "2")
    }

    @Test("an older runner's chunk, and what it would attach, is refused too; it hears of it without changes")
    func fencedChunk() throws {
        let destination = try Destination()
        let old = try TestLink(destination, shape, willBackfill: true)
        let writer = try old.transactor.chunkWriter()
        _ = try writer.begin(0, shape: shape, position: .zero, firstSequence: 0)
        try Array("1\tchunk\n".utf8).withUnsafeBytes { try writer.write($0) }
        try writer.finishRows()
        let new = try TestLink(destination, shape, willBackfill: true)
        let error = #expect(throws: RunError.self) {
            try writer.commit(0, state: BindingCheckpoint(phase: .backfilling), isLast: false)
        }
        #expect(error?.kind == .fenced)
        writer.abandon()
        writer.close()
        let attach = #expect(throws: RunError.self) {
            try old.transactor.attach(
                [AttachedTable(shape, BindingCheckpoint(phase: .pending), willBackfill: true)], beginning: checkpoint(1)
            )
        }
        #expect(attach?.kind == .fenced)
        let watch = #expect(throws: RunError.self) { try old.transactor.confirmFence() }
        #expect(watch?.kind == .fenced)
        #expect(try destination.value("SELECT count(*) FROM public.orders") == "0")
        new.close()
    }

    @Test("a runner opens again what it holds, and never takes back what another has taken since")
    func neverTakenBack() throws {
        let destination = try Destination()
        let older = destination.materialization()
        let link = try TestLink(older, [(.test(shape, key: ["id"]), shape)])
        link.close()
        try older.open(link.spec).close()
        try destination.materialization().open(link.spec).close()
        for _ in 0..<2 {
            let error = #expect(throws: RunError.self) { try older.open(link.spec).close() }
            #expect(error?.kind == .fenced)
        }
        let forgets = #expect(throws: RunError.self) {
            try older.forget(link.spec.bindings[0], of: link.spec, dropping: [])
        }
        #expect(forgets?.kind == .fenced)
        older.record(RunError(.transient, operation: "run", message: "lost"), of: link.spec)
        #expect(try destination.rows("SELECT fence, error IS NULL FROM flow.checkpoints") == ["3|t"])
    }

    @Test("a raise whose answer was lost is told from another runner's", arguments: [true, false])
    func lostAnswer(isCommitted: Bool) throws {
        let destination = try Destination()
        let spec = try TestLink(destination, shape).spec
        let metadata = MetadataSchema("flow")
        let fences = HeldFences()
        let connection = try Connection(destination.parameters)
        _ = try LinkRecord.takeOver(spec, metadata, connection, fences)
        _ = try fences.raise(spec, metadata, connection)
        let next = try Connection(destination.parameters)
        let early = #expect(throws: RunError.self) { _ = try LinkRecord.takeOver(spec, metadata, next, fences) }
        #expect(early?.kind == .transient)
        try connection.execute(isCommitted ? "COMMIT" : "ROLLBACK")
        if isCommitted {
            #expect(try LinkRecord.takeOver(spec, metadata, next, fences)?.fence == 4)
        } else {
            _ = try LinkRecord.takeOver(spec, metadata, connection)
            let error = #expect(throws: RunError.self) { _ = try LinkRecord.takeOver(spec, metadata, next, fences) }
            #expect(error?.kind == .fenced)
        }
    }

    @Test("a commit that holds the link's row makes the one who opens it wait, and is seen by that one")
    func takeOverWaits() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape)
        link.close()
        let holder = try Connection(destination.parameters)
        try holder.execute("BEGIN; UPDATE flow.checkpoints SET position = '0/999'")
        try holder.execute("SET lock_timeout = 0")
        let impatient = try Connection(destination.parameters)
        try impatient.execute("SET lock_timeout = '50ms'")
        let error = #expect(throws: PostgresError.self) {
            _ = try LinkRecord.takeOver(link.spec, MetadataSchema("flow"), impatient)
        }
        #expect(error?.sqlState == "55P03")
        try holder.execute("COMMIT")
        #expect(
            try LinkRecord.takeOver(link.spec, MetadataSchema("flow"), impatient)?.checkpoint?.position
                == LogPosition("0/999"))
    }

    @Test(
        "a backend that is killed with rows in flight loses rows and checkpoint together; the next runner goes on",
        arguments: [3, 300])
    func killedBackend(count: Int) throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape)
        try link.store(shape) { rows in for id in 0..<count { rows.insert([.text("\(id)"), "a"]) } }
        try link.storeOpen(shape) { rows in for id in 0..<count { rows.update([.text("\(id)"), "lost"]) } }
        try link.transactor.flush()
        try destination.eye.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'flowctl'
            """)
        let error = #expect(throws: RunError.self) { try link.commit() }
        #expect(error?.kind == .transient)
        link.close()
        let next = try TestLink(destination, shape)
        #expect(next.transactor.checkpoint?.position == LogPosition(101))
        #expect(try destination.rows("SELECT DISTINCT name FROM public.orders") == ["a"])
        try next.store(shape) { rows in for id in 0..<count { rows.update([.text("\(id)"), "b"]) } }
        #expect(try destination.rows("SELECT DISTINCT name FROM public.orders") == ["b"])
        #expect(try destination.value("SELECT position FROM flow.checkpoints") == "0/66")
    }

    @Test("a session that would lose commits is made to keep them; one that asks for more is left alone")
    func synchronousCommit() throws {
        for (setting, expected) in [("off", "on"), ("local", "local"), ("remote_write", "remote_write")] {
            let destination = try Destination()
            try destination.eye.execute(
                "ALTER DATABASE \(id: destination.parameters.database) SET synchronous_commit = \(literal: setting)")
            let opened = try DestinationConnection.forRows(destination.config(), ErrorScope(operation: "test"))
            #expect(try opened.connection.query("SHOW synchronous_commit")[0, 0] == expected)
            #expect(try opened.connection.query("SHOW session_replication_role")[0, 0] == "replica")
        }
    }

    @Test("a state whose record is gone stops the commit")
    func lostRecord() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape)
        try destination.eye.execute("DELETE FROM flow.bindings")
        let error = #expect(throws: RunError.self) { try link.commit([0: BindingCheckpoint(phase: .streaming)]) }
        #expect(error?.kind == .needsOperator)
        #expect(error?.message.contains("flow.bindings") == true)
        #expect(try destination.value("SELECT position FROM flow.checkpoints") == "0/64")
    }

    @Test("a wrong password, user or database is told apart, and nothing waits for it to go away")
    func connecting() throws {
        let destination = try Destination()
        for (change, kind) in [
            ({ $0.connection.database = "nowhere" }, RunError.Class.needsOperator),
            ({ $0.connection.user = "nobody_here" }, .authentication), ({ $0.connection.port = 1 }, .unreachable),
        ] as [((inout PostgresMaterialization.Config) -> Void, RunError.Class)] {
            let error = #expect(throws: RunError.self) {
                _ = try destination.materialization(change).open(
                    LinkSpec(capture: "a", materialization: "b", bindings: []))
            }
            #expect(error?.kind == kind, "\(String(describing: error))")
        }
    }
}

@Suite("a server that goes away")
struct CrashTests {
    let shape = TableShape.test([.int("id", key: true), .text("name")])

    @Test(
        "a server that crashes at any time keeps rows and checkpoint together, and all that was reported as committed")
    func crashes() throws {
        let server = try LocalServer("crash", settings: [("fsync", "on"), ("synchronous_commit", "off")])
        defer { server.remove() }
        let materialization = PostgresMaterialization(
            name: "acme/warehouse", config: .init(connection: server.parameters()))
        var reported = 0
        for round in 0..<4 {
            let link = try TestLink(materialization, [(.test(shape), shape)])
            let size = round % 2 == 0 ? 5 : 150
            for _ in 0..<20 {
                // Each commit writes its own number into every row.
                let next = Int(link.transactor.checkpoint?.position.rawValue ?? 0) + 1
                try link.store(shape) { rows in
                    for id in 0..<size { rows.update([.text("\(id)"), .text("\(next)")]) }
                }
                reported = next
            }
            let last = reported + 1
            try link.storeOpen(shape) { rows in
                for id in 0..<size { rows.update([.text("\(id)"), .text("\(last)")]) }
            }
            try link.transactor.flush()
            server.crash()
            // Its backends notice in a moment, or have committed by then.
            do {
                try link.commit()
                reported = last
            } catch let error as RunError {
                #expect(error.kind == .transient)
            }
            link.close()
            try server.start()
            let eye = try server.connect()
            let rows = try eye.query(
                """
                SELECT min(name), max(name), (SELECT position - '0/0' FROM flow.checkpoints)
                  FROM public.orders WHERE id < 5
                """)
            #expect([reported, last].map { String($0) }.contains(rows[0, 0] ?? ""))
            #expect(rows[0, 1] == rows[0, 0] && rows[0, 2] == rows[0, 0])
        }
    }
}

@Suite("a commit whose answer never came")
struct AmbiguousCommitTests {
    @Test(
        "a backend that is killed in the middle of its commit has kept all of it, and the next runner sees that",
        .timeLimit(.minutes(10)))
    func killedWhileCommitting() throws {
        let shape = TableShape.test([.int("id", key: true), .text("name")])
        let server = try LocalServer("ambiguous")
        defer { server.remove() }
        let materialization = PostgresMaterialization(
            name: "acme/warehouse", config: .init(connection: server.parameters()))
        let link = try TestLink(materialization, [(.test(shape), shape)])
        try link.store(shape) { rows in rows.insert([1, "before"]) }
        // A standby that does not exist: the commit is written, and waits for it.
        let eye = try server.connect()
        try eye.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try eye.execute("SELECT pg_reload_conf()")
        let parameters = server.parameters()
        let killed = Answer<Bool>()
        killed.start {
            let killer = try Connection(parameters)
            let kill: SQL = """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE application_name = 'flowctl' AND wait_event = 'SyncRep'
                """
            return try eventually(seconds: 60) { try killer.query(kill).count > 0 }
        }
        // The setting takes hold in its own time: the first commit that waits is the one that is killed.
        var last = 0
        var error: RunError?
        while error == nil, last < 100_000 {
            last += 1
            do {
                try link.store(shape) { rows in rows.update([1, .text("after \(last)")]) }
            } catch let thrown as RunError {
                error = thrown
            }
        }
        #expect(error?.kind == .transient)
        #expect(try killed.wait())
        link.close()
        try eye.execute("ALTER SYSTEM RESET synchronous_standby_names")
        try eye.execute("SELECT pg_reload_conf()")
        let next = try TestLink(materialization, [(.test(shape), shape)])
        #expect(next.transactor.checkpoint?.position == LogPosition(UInt64(101 + last)))
        #expect(try eye.query("SELECT name FROM public.orders")[0, 0] == "after \(last)")
    }
}

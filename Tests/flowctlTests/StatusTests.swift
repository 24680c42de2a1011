import Foundation
import JSON
import Postgres
import TestSupport
import Testing

@Suite("flowctl status")
struct StatusTests {
    /// A source and a destination database, and a folder for catalogs.
    final class Pipeline {
        let source: ConnectionParameters
        let destination: ConnectionParameters
        let folder: URL
        var slot: String { source.database }
        var catalog: String { folder.appending(path: "flow.yaml").path }

        init(_ name: String) throws {
            (source, destination) = try TestServers.freshDatabases(name)
            folder = TestFolder.place(name)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Connection(source).execute("CREATE TABLE public.orders (id int PRIMARY KEY, note text)")
        }

        deinit {
            try? FileManager.default.removeItem(at: folder)
            try? TestServers.dropSlots(of: source)
        }

        static func endpoint(_ kind: String, _ database: ConnectionParameters, _ more: String = "") -> String {
            """
                endpoint:
                  connector:
                    image: ghcr.io/estuary/\(kind):dev
                    config:
                      address: "\(database.host):\(database.port)"
                      database: \(database.database)
                      user: postgres
                      password: "the-secret"
            \(more)
            """
        }

        /// A capture of orders (and a disabled table), and materializations of it by name.
        func write(_ materializations: [(name: String, database: ConnectionParameters)], more: String = "") throws {
            var text = """
                captures:
                  shop/source:
                \(Self.endpoint("source-postgres", source, "          advanced: { slotName: \(slot), backfill_chunk_size: 100 }"))
                    bindings:
                      - { resource: { namespace: public, stream: orders }, target: shop/orders }
                      - { resource: { namespace: public, stream: old }, target: shop/old, disable: true }
                collections:
                  shop/orders: { key: [/id] }
                  shop/old: { key: [/id] }
                materializations:

                """
            for (name, database) in materializations {
                text += """
                      \(name):
                    \(Self.endpoint("materialize-postgres", database, "          schema: \(name.split(separator: "/")[1])"))
                        bindings:
                          - { source: shop/orders, resource: { table: orders } }

                    """
            }
            try (text + more).write(toFile: catalog, atomically: true, encoding: .utf8)
        }

        func insert(_ range: ClosedRange<Int>) throws {
            try Connection(source).execute(
                "INSERT INTO public.orders SELECT i, repeat('x', 100) FROM generate_series(\(range.lowerBound), \(range.upperBound)) i"
            )
        }

        func apply(_ more: String...) throws -> FlowctlProcess.Outcome {
            try FlowctlProcess.run(["apply", "-o", "json", catalog] + more)
        }

        /// The object of `status -o json`, and how it ended.
        func status(_ more: String...) throws -> (outcome: FlowctlProcess.Outcome, json: JSONValue) {
            let outcome = try FlowctlProcess.run(["status", "-o", "json", catalog] + more)
            #expect(!outcome.output.contains("the-secret") && !outcome.errors.contains("the-secret"))
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 1, "\(outcome)")
            return (outcome, try JSONValue(parsing: String(lines.first ?? "{}")))
        }

        func text(_ more: String...) throws -> FlowctlProcess.Outcome {
            try FlowctlProcess.run(["status", catalog] + more)
        }
    }

    @Test("before the first apply everything is pending, in exactly the form of the contract, and nothing is made")
    func beforeApply() throws {
        let pipeline = try Pipeline("status_pending")
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        let (outcome, json) = try pipeline.status()
        #expect(outcome.exitCode == 0 && outcome.errors.isEmpty)
        let expected: JSONValue = [
            "tasks": [
                [
                    "name": "shop/source", "kind": "capture", "state": "pending", "lsn": nil, "lag_bytes": nil,
                    "lag_seconds": nil,
                    "slot": [
                        "name": .string(pipeline.slot), "active": false, "retained_bytes": nil, "wal_status": nil,
                    ],
                    "bindings": [
                        [
                            "resource": "public.orders", "collection": "shop/orders", "state": "pending",
                            "backfill": nil, "error": nil,
                        ],
                        [
                            "resource": "public.old", "collection": "shop/old", "state": "disabled", "backfill": nil,
                            "error": nil,
                        ],
                    ],
                    "signals": [],
                ],
                [
                    "name": "shop/warehouse", "kind": "materialization", "state": "pending", "lsn": nil,
                    "lag_bytes": nil, "lag_seconds": nil, "slot": nil,
                    "bindings": [
                        [
                            "resource": "warehouse.orders", "collection": "shop/orders", "state": "pending",
                            "backfill": nil, "error": nil,
                        ]
                    ],
                    "signals": [],
                ],
            ]
        ]
        #expect(json == expected, "\(outcome.output)")
        let there = try Connection(pipeline.destination).query("SELECT to_regnamespace('flow')")
        #expect(there[0, 0] == nil)
        let made = try Connection(pipeline.source).query(
            """
            SELECT (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_replication_slots
                     WHERE slot_name = \(literal: pipeline.slot))
            """)
        #expect(made[0, 0] == "0" && made[0, 1] == "0")
        #expect(try pipeline.text().output.contains("public.old") == true)
    }

    @Test("a table that is being copied shows its rows; then it streams without lag, and after a stop the lag grows")
    func backfillStreamStop() throws {
        let pipeline = try Pipeline("status_stream")
        try pipeline.insert(1...60_000)
        try Connection(pipeline.source).execute("ANALYZE public.orders")
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        #expect(try pipeline.apply("--provision-only").exitCode == 0)
        // The copy gets no further than half of it.
        let holder = try Connection(pipeline.destination)
        try holder.execute(
            """
            CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql
              AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$;
            CREATE TRIGGER hold AFTER INSERT ON warehouse.orders FOR EACH ROW WHEN (NEW.id > 30000)
              EXECUTE FUNCTION public.hold();
            SELECT pg_advisory_lock(7)
            """)
        var apply = try FlowctlProcess(["apply", "-o", "json", pipeline.catalog])
        #expect(
            apply.waitForLine(seconds: 60) { $0.contains("\"backfill_progress\"") } != nil, "\(apply.errors)")
        apply.kill9()
        let copying = try pipeline.status().json["tasks"]?.arrayValue?.last
        let table = copying?["bindings"]?.arrayValue?.first
        #expect(copying?["state"]?.stringValue == "backfilling" && table?["state"]?.stringValue == "backfilling")
        let rows = try #require(table?["backfill"]?["rows"]?.intValue)
        #expect(rows > 0 && rows < 60_000 && rows % 100 == 0)
        #expect(table?["backfill"]?["estimated_rows"]?.intValue == 60_000)
        #expect((table?["backfill"]?["bytes"]?.intValue ?? 0) > rows * 100)
        try holder.execute("SELECT pg_advisory_unlock(7); DROP FUNCTION public.hold() CASCADE")
        apply = try FlowctlProcess(["apply", "-o", "json", pipeline.catalog])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("\"caught_up\"") } != nil, "\(apply.errors)")
        let tailing = eventually(seconds: 60) {
            let tasks = try? pipeline.status().json["tasks"]?.arrayValue
            return tasks?.allSatisfy {
                $0["state"]?.stringValue == "streaming" && $0["lag_bytes"]?.intValue == 0
                    && $0["lag_seconds"]?.intValue == 0 && $0["lsn"]?.stringValue != nil
            } == true && tasks?.first?["slot"]?["active"] == true
                && tasks?.first?["slot"]?["wal_status"]?.stringValue == "reserved"
        }
        let now = try pipeline.text().output
        #expect(tailing, "\(now)")
        // The server may write to its log by itself between two looks.
        var text = try pipeline.text()
        let hasNoLag = try eventually(seconds: 60) {
            text = try pipeline.text()
            return text.output.contains("no lag")
        }
        #expect(hasNoLag && text.output.contains("60000 rows copied") && text.exitCode == 0, "\(text)")
        // A destination that makes a change wait is behind, however idle the source is.
        let blocker = try Connection(pipeline.destination)
        try blocker.execute("BEGIN; LOCK TABLE warehouse.orders")
        try pipeline.insert(60_001...60_001)
        func seconds() throws -> Int? {
            try pipeline.status().json["tasks"]?.arrayValue?.last?["lag_seconds"]?.intValue
        }
        let isBehind = try eventually(seconds: 60) { try seconds() ?? 0 >= 2 }
        #expect(isBehind)
        try blocker.execute("COMMIT")
        let isThere = try eventually(seconds: 60) { try seconds() == 0 }
        #expect(isThere)
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)

        try pipeline.insert(60_002...61_000)
        let behind = try pipeline.status().json["tasks"]?.arrayValue
        #expect((behind?.last?["lag_bytes"]?.intValue ?? 0) > 100_000)
        #expect(behind?.first?["slot"]?["active"] == false)
        #expect((behind?.first?["slot"]?["retained_bytes"]?.intValue ?? 0) > 100_000)
        let grows = try eventually(seconds: 60) {
            (try pipeline.status().json["tasks"]?.arrayValue?.last?["lag_seconds"]?.intValue ?? 0) >= 2
        }
        #expect(grows)
        #expect(try pipeline.text().output.contains("no runner reads from it"))
    }

    @Test(
        "of two materializations of one capture, each has its own lag; one that is down is named, without its password")
    func twoMaterializations() throws {
        let pipeline = try Pipeline("status_two")
        let other = try TestServer.destination.database("status_two_other")
        try pipeline.insert(1...10)
        try pipeline.write([("shop/one", pipeline.destination), ("shop/two", other)])
        #expect(try pipeline.apply("--once").exitCode == 0)
        try pipeline.insert(11...500)
        // Only one of them hears of it.
        #expect(try pipeline.apply("--once", "--task", "shop/source,shop/one").exitCode == 0)
        let tasks = try #require(try pipeline.status().json["tasks"]?.arrayValue)
        #expect(tasks.map { $0["name"]?.stringValue } == ["shop/source", "shop/one", "shop/two"])
        let lags = tasks.map { $0["lag_bytes"]?.intValue ?? -1 }
        #expect(lags[1] >= 0 && lags[2] > lags[1] + 10_000 && lags[0] == lags[2], "\(lags)")
        #expect(tasks[0]["lsn"] == tasks[2]["lsn"] && tasks[1]["lsn"] != tasks[2]["lsn"])
        // The slot has kept what the other lacks.
        #expect(tasks[0]["state"]?.stringValue == "streaming")
        #expect(try pipeline.apply("--once").exitCode == 0)
        #expect(try Connection(other).query("SELECT count(*) FROM two.orders")[0, 0] == "500")

        var gone = other
        gone.port = 1
        try pipeline.write([("shop/one", pipeline.destination), ("shop/two", gone)])
        let (outcome, json) = try pipeline.status()
        #expect(outcome.exitCode == 69)
        #expect(outcome.errors.contains("shop/two") && outcome.errors.contains("127.0.0.1:1"))
        let left = try #require(json["tasks"]?.arrayValue)
        #expect(left.map { $0["state"]?.stringValue } == ["streaming", "streaming", "failed"])
        #expect(left[2]["lsn"] == .null && left[2]["lag_bytes"] == .null)
        let alone = try pipeline.status("--task", "shop/one")
        #expect(alone.json["tasks"]?.arrayValue?.count == 1)
        #expect(try pipeline.text("--task", "nobody").exitCode == 64)
    }

    @Test("a slot that was dropped is an error with what to do; a source that is down leaves the destination's half")
    func slotDropped() throws {
        let pipeline = try Pipeline("status_slot")
        try pipeline.insert(1...10)
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        #expect(try pipeline.apply("--once").exitCode == 0)
        try TestServers.dropSlots(of: pipeline.source)
        let (outcome, json) = try pipeline.status()
        #expect(outcome.exitCode == 0)
        let capture = json["tasks"]?.arrayValue?.first
        #expect(capture?["state"]?.stringValue == "failed")
        #expect(capture?["bindings"]?.arrayValue?.first?["error"]?.stringValue?.contains("is missing") == true)
        let text = try pipeline.text().output
        #expect(text.contains("missing") && text.contains("hint: "))
        #expect(capture?["lag_bytes"] == .null && !text.contains("lag"), "\(text)")

        let good = try String(contentsOfFile: pipeline.catalog, encoding: .utf8)
        try good.replacing("\(pipeline.source.host):\(pipeline.source.port)", with: "127.0.0.1:1").write(
            toFile: pipeline.catalog, atomically: true, encoding: .utf8)
        let half = try pipeline.status()
        #expect(half.outcome.exitCode == 69 && half.outcome.errors.contains("shop/source"))
        let copied = half.json["tasks"]?.arrayValue?.last
        #expect(copied?["state"]?.stringValue == "streaming" && copied?["lag_bytes"] == .null)
        #expect(copied?["lsn"]?.stringValue != nil)
        try good.write(toFile: pipeline.catalog, atomically: true, encoding: .utf8)

        // A runner leaves what stopped it.
        #expect(try pipeline.apply("--once").exitCode == 69)
        let failed = try pipeline.status().json["tasks"]?.arrayValue?.last
        #expect(failed?["state"]?.stringValue == "failed")
        #expect(
            failed?["bindings"]?.arrayValue?.first?["error"]?.stringValue?.contains("no such replication slot") == true)
    }

    @Test("what stopped a table is shown until a later run has got past it")
    func recordedError() throws {
        let pipeline = try Pipeline("status_error")
        try pipeline.insert(1...10)
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        #expect(try pipeline.apply("--once").exitCode == 0)
        let destination = try Connection(pipeline.destination)
        try destination.execute("ALTER TABLE warehouse.orders ADD CONSTRAINT small CHECK (id < 11)")
        try pipeline.insert(11...11)
        #expect(try pipeline.apply("--once").exitCode == 69)
        let failed = try pipeline.status().json["tasks"]?.arrayValue?.last
        let error = failed?["bindings"]?.arrayValue?.first?["error"]?.stringValue ?? ""
        #expect(
            failed?["state"]?.stringValue == "failed" && error.contains("small") && error.contains("hint"), "\(error)")
        #expect(try pipeline.text().output.contains("error: "))
        try destination.execute("ALTER TABLE warehouse.orders DROP CONSTRAINT small")
        #expect(try pipeline.apply("--once").exitCode == 0)
        let mended = try pipeline.status().json["tasks"]?.arrayValue?.last
        #expect(mended?["state"]?.stringValue == "streaming")
        #expect(mended?["bindings"]?.arrayValue?.first?["error"] == .null)
    }

    @Test("a disabled task is shown as disabled, and its database is not asked; an invalid catalog ends with 65")
    func disabled() throws {
        let pipeline = try Pipeline("status_disabled")
        var gone = pipeline.destination
        gone.port = 1
        try pipeline.write([("shop/warehouse", gone)], more: "    shards: { disable: true }\n")
        let (outcome, json) = try pipeline.status()
        #expect(outcome.exitCode == 0, "\(outcome)")
        let task = json["tasks"]?.arrayValue?.last
        #expect(task?["state"]?.stringValue == "disabled")
        #expect(task?["bindings"]?.arrayValue?.first?["state"]?.stringValue == "disabled")
        // Nothing reads the captured table.
        #expect(json["tasks"]?.arrayValue?.first?["state"]?.stringValue == "disabled")
        try "captures: 1\n".write(toFile: pipeline.catalog, atomically: true, encoding: .utf8)
        #expect(try pipeline.text().exitCode == 65)
    }

    @Test("a capture streams where the only table that is not copied yet is disabled")
    func disabledBinding() throws {
        let pipeline = try Pipeline("status_part")
        try pipeline.insert(1...10)
        let more = "      - { source: shop/orders, resource: { table: again }, disable: true }\n"
        try pipeline.write([("shop/warehouse", pipeline.destination)], more: more)
        #expect(try pipeline.apply("--once").exitCode == 0)
        let tasks = try pipeline.status().json["tasks"]?.arrayValue ?? []
        #expect(tasks.map { $0["state"]?.stringValue } == ["streaming", "streaming"], "\(tasks)")
    }

    @Test(
        "watching prints an object a line until Ctrl-C, asks for secrets once, and ends quietly where the reader goes away"
    )
    func watching() throws {
        let pipeline = try Pipeline("status_watch")
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        let count = pipeline.folder.appending(path: "asked").path
        let text = try String(contentsOfFile: pipeline.catalog, encoding: .utf8).replacing(
            "password: \"the-secret\"",
            with: "password: { exec: [/bin/sh, -c, \"echo one >> '\(count)'; echo the-secret\"] }")
        try text.write(toFile: pipeline.catalog, atomically: true, encoding: .utf8)
        let watch = try FlowctlProcess(["status", "--watch", "-o", "json", pipeline.catalog])
        #expect(eventually(seconds: 60) { watch.lines.count >= 2 }, "\(watch.errors)")
        for line in watch.lines {
            let tasks = try JSONValue(parsing: line)["tasks"]
            #expect(tasks?.arrayValue?.count == 2)
        }
        watch.interrupt()
        #expect(watch.waitForExit(seconds: 60) == 0)
        #expect(watch.errors.isEmpty)
        #expect(try String(contentsOfFile: count, encoding: .utf8) == "one\none\n", "once for each task")

        let shell = try ChildProcess(
            "/bin/sh",
            [
                "-c", "{ \"$0\" status --watch -o json \"$1\"; echo \"code $?\" >&2; } 2>\"$2\" | head -n 1",
                FlowctlProcess.executable.path, pipeline.catalog, pipeline.folder.appending(path: "code").path,
            ])
        #expect(shell.wait() == 0)
        let code = try String(contentsOf: pipeline.folder.appending(path: "code"), encoding: .utf8)
        #expect(code == "code 0\n")
    }

    @Test("a slot that is near its limit is a warning with the time that is left, and one that is lost an error")
    func nearAndLost() throws {
        let source = try LocalServer(
            "status-lost", settings: [("max_slot_wal_keep_size", "48MB"), ("min_wal_size", "32MB")])
        let pipeline = try Pipeline("status_limit")
        let catalog = pipeline.folder.appending(path: "flow.yaml")
        try source.connect().execute("CREATE TABLE public.orders (id int PRIMARY KEY, note text)")
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        let text = try String(contentsOf: catalog, encoding: .utf8)
            .replacingOccurrences(
                of: "\(pipeline.source.host):\(pipeline.source.port)", with: "127.0.0.1:\(source.port)"
            )
            .replacingOccurrences(of: "database: \(pipeline.source.database)", with: "database: postgres")
        try text.write(to: catalog, atomically: true, encoding: .utf8)
        #expect(try pipeline.apply("--once").exitCode == 0)
        let connection = try source.connect()
        // The checkpoint is of a while ago, so that a speed can be told.
        try Connection(pipeline.destination).execute(
            "UPDATE flow.checkpoints SET source_time = source_time - interval '100 s'")
        try connection.execute("INSERT INTO public.orders SELECT i, repeat('x', 1000) FROM generate_series(1, 9000) i")
        let near = try pipeline.text().output
        #expect(near.contains("warning: slot") && near.contains("will be lost after"), "\(near)")
        for _ in 0..<6 {
            try connection.execute("SELECT pg_switch_wal(); UPDATE public.orders SET note = note || 'y'")
            try connection.execute("CHECKPOINT")
        }
        let (outcome, json) = try pipeline.status()
        #expect(outcome.exitCode == 0)
        let capture = json["tasks"]?.arrayValue?.first
        #expect(capture?["slot"]?["wal_status"]?.stringValue == "lost")
        #expect(capture?["state"]?.stringValue == "failed")
        #expect(try pipeline.text().output.contains("is lost"))
    }
}

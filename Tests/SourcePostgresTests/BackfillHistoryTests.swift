import Connectors
import Foundation
import Postgres
import Runtime
import SourcePostgres
import Synchronization
import TestSupport
import Testing

/// Tables of several key types are copied while random transactions run and the destination keeps failing: at the end the
/// upsert tables are the source, and each delta table has, for every key, what was read and exactly the changes after it.
@Suite(.serialized) struct BackfillHistoryTests {
    static let tables = ["ints", "texts", "pairs"]

    @Test(
        "a table copied under random traffic and failing commits ends equal to its source, and again after it was spoilt and is read anew"
    )
    func histories() async throws {
        // Beside each other: most of their time is the pause after a commit that failed.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 1...3 { group.addTask { try history(seed: UInt64(seed)) } }
            try await group.waitForAll()
        }
    }

    @Test("a backfill whose last commit was not answered is said to be complete once, by the session that finds it so")
    func unansweredCompletion() throws {
        let source = try DevServers.freshSource("unanswered")
        try Connection(source).execute(
            """
            CREATE TABLE public.ints (id int PRIMARY KEY, v text);
            INSERT INTO public.ints SELECT g, 'v' || g FROM generate_series(1, 25) g;
            """)
        let memory = MemoryMaterialization()
        memory.state.withLock { $0.unanswered = [0, 1] }
        let bindings = [InsertMode.upsert, .insert].enumerated().map { index, mode in
            LinkBinding(
                table: 0, index: index, collection: "test/ints", schema: "public", name: "ints_\(mode)", key: ["id"],
                mode: mode)
        }
        let observer = CollectingObserver()
        let runner = CaptureRunner(
            capture: PostgresCapture(
                name: "test/source",
                config: PostgresCaptureConfig(
                    connection: source, slot: "unanswered", publication: "flow_publication", chunkRows: 10),
                tables: [CapturedTable(namespace: "public", stream: "ints")]),
            links: [
                .init(
                    spec: LinkSpec(capture: "test/source", materialization: "test/memory", bindings: bindings),
                    materialization: memory)
            ], observer: observer, stop: StopSignal(), once: true)
        _ = try runner.run()
        #expect(memory.state.withLock { $0.unanswered.isEmpty && $0.tables[0]?.count == 25 })
        #expect(observer.count(.retry) == 2)
        for kind in [RunEvent.Kind.backfillCompleted, .streaming] {
            #expect(
                observer.all.filter { $0.kind == kind }.compactMap(\.binding).sorted() == [
                    "public.ints_insert", "public.ints_upsert",
                ])
        }
        #expect(observer.all.filter { $0.kind == .backfillCompleted }.map(\.rows) == [25, 25])
        try DevServers.drop(source)
    }

    private func history(seed: UInt64) throws {
        let source = try DevServers.freshSource("history\(seed)")
        let admin = try Connection(source)
        // A server can be built without ICU; this one's order is the server's to say, too.
        let hasICU = try admin.query("SELECT FROM pg_collation WHERE collname = 'und-x-icu'").count > 0
        let natural: SQL =
            hasICU
            ? "provider = icu, locale = 'en-u-kn-true', deterministic = false" : "provider = libc, locale = 'C.UTF-8'"
        try admin.execute(
            """
            CREATE COLLATION public.natural (\(natural));
            CREATE TABLE public.ints (id int PRIMARY KEY, v int, big text);
            ALTER TABLE public.ints ALTER big SET STORAGE EXTERNAL;
            CREATE TABLE public.texts (id text COLLATE public.natural PRIMARY KEY, v int, big text);
            ALTER TABLE public.texts ALTER big SET STORAGE EXTERNAL;
            CREATE TABLE public.pairs (a numeric, id int, v int, big text, PRIMARY KEY (a, id));
            ALTER TABLE public.pairs ALTER big SET STORAGE EXTERNAL;
            INSERT INTO public.ints SELECT g, 0, repeat('x' || g, 900) FROM generate_series(1, 3000) g;
            INSERT INTO public.texts SELECT 'k' || g, 0, repeat('y' || g, 900) FROM generate_series(1, 3000) g;
            INSERT INTO public.pairs SELECT g % 7, g, 0, repeat('z' || g, 900) FROM generate_series(1, 3000) g;
            """)

        let memory = MemoryMaterialization()
        let capture = PostgresCapture(
            name: "test/source",
            config: PostgresCaptureConfig(
                connection: source, slot: "history\(seed)", publication: "flow_publication", chunkRows: 101),
            tables: BackfillHistoryTests.tables.map { CapturedTable(namespace: "public", stream: $0) })
        var bindings: [LinkBinding] = []
        for (index, table) in BackfillHistoryTests.tables.enumerated() {
            for mode in [InsertMode.upsert, .insert] {
                bindings.append(
                    LinkBinding(
                        table: index, index: bindings.count, collection: "test/\(table)", schema: "public",
                        name: "\(table)_\(mode)", key: table == "pairs" ? ["a", "id"] : ["id"], mode: mode))
            }
        }
        try run(capture, bindings, memory, seed: seed, source, readings: 1)
        if seed == 1 { try readAgain(capture, bindings, memory, source) }
        try DevServers.drop(source)
    }

    /// Nobody wrote while nothing ran; somebody did at the destination.
    private func readAgain(
        _ capture: PostgresCapture, _ bindings: [LinkBinding], _ memory: MemoryMaterialization,
        _ source: ConnectionParameters
    ) throws {
        memory.state.withLock { state in
            for index in [0, 2, 4] {
                var table = state.tables[index] ?? [:]
                for (number, key) in table.keys.sorted().enumerated() where number % 7 < 2 {
                    let spoilt = table[key]?.map { _ in Optional("spoilt") }
                    table[key] = number % 7 == 0 ? nil : spoilt
                }
                for number in 1...40 {
                    let id = index == 2 ? "g\(number)" : "\(90_000 + number)"
                    let key = index == 4 ? ["\(number % 7)", id] : [id]
                    table[key.joined(separator: "\u{1}")] = key + ["0", "ghost"]
                }
                state.tables[index] = table
            }
        }
        var bindings = bindings
        for index in bindings.indices { bindings[index].backfillCounter = 1 }
        try run(capture, bindings, memory, seed: 11, source, readings: 2)
    }

    /// Runs the link beside random writers until it has caught up, and compares.
    private func run(
        _ capture: PostgresCapture, _ bindings: [LinkBinding], _ memory: MemoryMaterialization, seed: UInt64,
        _ source: ConnectionParameters, readings: Int
    ) throws {
        let admin = try Connection(source)
        memory.injectFaults(seed: seed)
        let link = LinkSpec(capture: "test/source", materialization: "test/memory", bindings: bindings)
        let stop = StopSignal()
        let observer = CollectingObserver()
        let runner = CaptureRunner(
            capture: capture, links: [.init(spec: link, materialization: memory)], observer: observer, stop: stop,
            once: false)

        let writers = RandomWriters(source: source, seed: seed)
        let failure = Mutex<(any Error)?>(nil)
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            do { _ = try runner.run() } catch { failure.withLock { $0 = error } }
            ended.signal()
        }
        writers.start()
        let areCopied = eventually(seconds: 300) {
            observer.count(.backfillCompleted) >= bindings.count || failure.withLock { $0 != nil }
        }
        writers.stop()
        #expect(areCopied)
        let caughtUp = eventually(seconds: 120) { observer.count(.caughtUp) > 0 || failure.withLock { $0 != nil } }
        #expect(failure.withLock { $0 } == nil, "\(failure.withLock { $0 }.map { "\($0)" } ?? "")")
        #expect(caughtUp)

        let rows = try Dictionary(
            uniqueKeysWithValues: BackfillHistoryTests.tables.map { ($0, try contents(of: $0, admin)) })
        let equal = eventually(seconds: 120) {
            memory.state.withLock { state in
                BackfillHistoryTests.tables.enumerated().allSatisfy { index, table in
                    state.tables[index * 2] ?? [:] == rows[table] ?? [:]
                }
            } || failure.withLock { $0 != nil }
        }
        stop.request()
        #expect(ended.wait(timeout: .now() + 60) == .success, "the runner goes on after it was told to stop")
        #expect(failure.withLock { $0 } == nil, "\(failure.withLock { $0 }.map { "\($0)" } ?? "")")
        #expect(equal, "\(difference(memory, rows))")
        memory.state.withLock { state in
            for index in BackfillHistoryTests.tables.indices {
                checkLog(
                    state.logs[index * 2 + 1] ?? [], rows[BackfillHistoryTests.tables[index]] ?? [:], index,
                    readings: readings)
            }
        }
        #expect(observer.count(.retry) > 0)
    }

    private func contents(of table: String, _ connection: Connection) throws -> [String: MemoryMaterialization.Row] {
        let rows = try connection.query("SELECT * FROM public.\(id: table)")
        var all: [String: MemoryMaterialization.Row] = [:]
        for row in 0..<rows.count {
            let values = (0..<rows.columns).map { rows[row, $0] }
            let key = table == "pairs" ? (values[0] ?? "") + "\u{1}" + (values[1] ?? "") : values[0] ?? ""
            all[key] = values
        }
        return all
    }

    private func difference(
        _ memory: MemoryMaterialization, _ rows: [String: [String: MemoryMaterialization.Row]]
    ) -> String {
        memory.state.withLock { state in
            BackfillHistoryTests.tables.enumerated().map { index, table in
                let here = state.tables[index * 2] ?? [:]
                let there = rows[table] ?? [:]
                let missing = there.keys.filter { here[$0] == nil }
                let extra = here.keys.filter { there[$0] == nil }
                let other = there.keys.filter { here[$0] != nil && here[$0] != there[$0] }
                return
                    "\(table): missing \(missing.prefix(5)), extra \(extra.prefix(5)), different \(other.prefix(5).map { "\($0): \(here[$0]?.map { $0.map { String($0.prefix(12)) } } ?? []) instead of \(there[$0]?.map { $0.map { String($0.prefix(12)) } } ?? [])" })"
            }.joined(separator: "; ")
        }
    }

    /// Positions and numbers are unique; replaying the log in their order gives the table; a row is read at most as often as
    /// its table was.
    private func checkLog(
        _ log: [MemoryMaterialization.Logged], _ rows: [String: MemoryMaterialization.Row], _ table: Int, readings: Int
    ) {
        let key: (MemoryMaterialization.Row) -> String = { row in
            table == 2 ? (row[0] ?? "") + "\u{1}" + (row[1] ?? "") : row[0] ?? ""
        }
        var seen: Set<String> = []
        var read: [String: Int] = [:]
        var duplicates = 0
        var rereads = 0
        for entry in log {
            if !seen.insert("\(entry.position) \(entry.sequence) \(entry.operation == .read)").inserted {
                duplicates += 1
            }
            guard entry.operation == .read else { continue }
            read[key(entry.row), default: 0] += 1
            if read[key(entry.row), default: 0] > readings { rereads += 1 }
        }
        #expect(duplicates == 0)
        #expect(rereads == 0)
        let ordered = log.sorted { ($0.position, $0.sequence) < ($1.position, $1.sequence) }
        let versions = Dictionary(grouping: ordered.filter { $0.operation != .delete }, by: { key($0.row) })
        var stale: [String] = []
        for (key, row) in rows {
            let versionColumn = row.count - 2
            if versions[key]?.last?.row[versionColumn] != row[versionColumn] { stale.append(key) }
        }
        #expect(stale.isEmpty, "\(stale.prefix(5))")
        #expect(!log.filter { $0.operation == .read }.isEmpty)
        // What is read anew counts twice.
        guard readings == 1 else { return }
        let counts = Dictionary(grouping: log, by: \.operation).mapValues(\.count)
        #expect(counts[.read, default: 0] + counts[.create, default: 0] - counts[.delete, default: 0] == rows.count)
    }
}

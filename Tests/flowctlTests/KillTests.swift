import Foundation
import Glibc
import Postgres
import Synchronization
import TestSupport
import Testing

/// pgbench runs on the source while it is copied and streamed; flowctl is killed with -9 again and again, and each server
/// is crashed. KILLS in the environment makes the run longer: from 20 on, over a million accounts, with two crashes of each
/// server.
@Suite("kills", .serialized)
struct KillTests {
    static let tables = [("accounts", "aid"), ("branches", "bid"), ("tellers", "tid"), ("history", "hid")]

    @Test("kill -9 and crashes of both servers lose, double and tear nothing", .timeLimit(.minutes(10)))
    func kills() throws {
        let kills = ProcessInfo.processInfo.environment["KILLS"].flatMap { Int($0) } ?? 6
        let isLong = kills >= 20
        let scale = isLong ? 10 : 1
        let destinationCrashes = isLong ? [kills / 5, kills * 3 / 5] : [kills / 3]
        let sourceCrashes = isLong ? [kills * 2 / 5, kills * 4 / 5] : [kills * 2 / 3]
        let source = try LocalServer("kills-source", settings: [("wal_level", "logical"), ("max_connections", "50")])
        let destination = try LocalServer("kills-destination")
        try source.connect().execute("CREATE DATABASE bank")
        try destination.connect().execute("CREATE DATABASE bank")
        let address = ["-h", "127.0.0.1", "-p", String(source.port), "-U", "postgres"]
        let initialize = try ChildProcess(
            source.binaries.program("pgbench"), address + ["-i", "-q", "-s", String(scale), "bank"],
            environment: source.binaries.environment)
        #expect(initialize.wait() == 0)
        try source.connect(database: "bank").execute(
            "ALTER TABLE public.pgbench_history ADD COLUMN hid bigserial PRIMARY KEY")

        let folder = TestFolder.place("kills")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let catalog = folder.appendingPathComponent("catalog.yaml")
        try KillTests.catalog(source, destination).write(to: catalog, atomically: true, encoding: .utf8)

        let reader = SumReader(destination)
        reader.start()
        let traffic = Traffic(source.binaries, address)
        traffic.start()
        var random = SystemRandomNumberGenerator()
        var allStream: String?
        for number in 0..<kills {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            let wait = Double.random(in: 0.3...2.5, using: &random)
            _ = eventually(seconds: wait) { !apply.isRunning }
            #expect(apply.isRunning, "\(apply.errors)")
            if destinationCrashes.contains(number) {
                destination.crash()
                try destination.start()
                _ = apply.waitForLine(seconds: 60) { $0.contains("\"retry\"") }
            }
            if sourceCrashes.contains(number) {
                source.crash()
                try source.start()
                _ = apply.waitForLine(seconds: 60) { $0.contains("\"retry\"") }
            }
            apply.kill9()
            allStream = try allStream ?? KillTests.positionWhereAllStream(destination)
        }
        if allStream == nil {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            _ = try eventually(seconds: 120) {
                allStream = try KillTests.positionWhereAllStream(destination)
                return allStream != nil
            }
            apply.kill9()
        }
        // Enough of it comes after the copies.
        let streamed = try #require(allStream)
        let transactions: SQL = "SELECT count(*) FROM public.pgbench_history"
        func count() throws -> Int {
            try source.connect(database: "bank").query(transactions)[0, 0].flatMap { Int($0) } ?? 0
        }
        let before = try count()
        #expect(try eventually(seconds: 120) { try count() > before + 500 })
        traffic.stop()
        let last = try FlowctlProcess(["apply", "--once", "-o", "json", catalog.path])
        #expect(last.waitForExit(seconds: 120) == 0, "\(last.errors)")
        #expect(eventually(seconds: 60) { reader.hasRead })
        let torn = reader.stop()
        #expect(torn.sums.isEmpty, "\(torn.sums.prefix(3))")
        try check(source, destination)
        try checkTransactions(destination, after: streamed)
    }

    /// A position after everything that a backfill's chunk contains; nil while a table is still being copied.
    private static func positionWhereAllStream(_ destination: LocalServer) throws -> String? {
        let connection = try destination.connect(database: "bank")
        guard try connection.query("SELECT to_regclass('flow.bindings')")[0, 0] != nil else { return nil }
        let rows = try connection.query(
            """
            SELECT position FROM flow.checkpoints
             WHERE (SELECT bool_and(phase = 'streaming') FROM flow.bindings)
            """
        )
        return rows.count == 1 ? rows[0, 0] : nil
    }

    private func check(_ source: LocalServer, _ destination: LocalServer) throws {
        let there = try source.connect(database: "bank")
        let here = try destination.connect(database: "bank")
        for (table, key) in KillTests.tables {
            let sum: SQL =
                "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM public.pgbench_\(raw: table) t"
            let one = try there.query(sum)
            let other = try here.query(sum)
            #expect(one[0, 0] == other[0, 0] && one[0, 1] == other[0, 1], "\(table)")
            // The log has every change once, in an order that ends where the source is.
            let log = try here.query(
                """
                SELECT count(*) - count(DISTINCT ("_meta/source/lsn", "_meta/source/seq")),
                       (SELECT count(*) FROM (SELECT DISTINCT ON (\(raw: key)) * FROM public.\(raw: table)_log
                          ORDER BY \(raw: key), "_meta/source/lsn" DESC, "_meta/source/seq" DESC) l
                          FULL JOIN public.pgbench_\(raw: table) t USING (\(raw: key))
                         WHERE l."_meta/op" IS NULL OR t.\(raw: key) IS NULL),
                       count(*) FILTER (WHERE "_meta/op" = 'r') - count(DISTINCT \(raw: key)) FILTER (WHERE "_meta/op" = 'r')
                  FROM public.\(raw: table)_log
                """)
            #expect(log[0, 0] == "0", "\(table): two changes of one place")
            #expect(log[0, 1] == "0", "\(table): keys of the log and the table differ")
            #expect(log[0, 2] == "0", "\(table): rows read twice")
        }
        // A teller's rows are all history: the deltas of its log's steps are the deltas of the history.
        let steps = try here.query(
            """
            SELECT (SELECT sum(tbalance) FROM public.pgbench_tellers),
                   (SELECT sum(delta) FROM public.history_log WHERE "_meta/op" IN ('r', 'c')),
                   (SELECT count(*) FROM public.pgbench_history), (SELECT count(*) FROM public.history_log)
            """)
        #expect(steps[0, 0] == steps[0, 1])
        #expect(steps[0, 2] == steps[0, 3])
        let updates = try here.query(
            """
            SELECT count(*) FROM (SELECT abalance - lag(abalance) OVER w AS step, "_meta/op" AS op FROM public.accounts_log
              WINDOW w AS (PARTITION BY aid ORDER BY "_meta/source/lsn", "_meta/source/seq")) s
             WHERE op = 'u' AND abs(step) > 5000
            """)
        #expect(updates[0, 0] == "0", "a step that pgbench can't make: a change is missing in the log")
    }

    /// From where every table streams, each transaction is one line in each log, at one place, with one delta.
    private func checkTransactions(_ destination: LocalServer, after position: String) throws {
        let transactions = try destination.connect(database: "bank").query(
            """
            WITH start AS (SELECT \(literal: position)::pg_lsn AS lsn),
            steps AS (
              SELECT 'accounts' AS log, "_meta/source/lsn" AS lsn, aid AS id, "_meta/op" AS op, abalance
                     - lag(abalance) OVER (PARTITION BY aid ORDER BY "_meta/source/lsn", "_meta/source/seq") AS step
                FROM public.accounts_log
              UNION ALL
              SELECT 'tellers', "_meta/source/lsn", tid, "_meta/op", tbalance
                     - lag(tbalance) OVER (PARTITION BY tid ORDER BY "_meta/source/lsn", "_meta/source/seq")
                FROM public.tellers_log
              UNION ALL
              SELECT 'branches', "_meta/source/lsn", bid, "_meta/op", bbalance
                     - lag(bbalance) OVER (PARTITION BY bid ORDER BY "_meta/source/lsn", "_meta/source/seq")
                FROM public.branches_log),
            late AS (SELECT s.* FROM steps s, start WHERE s.lsn > start.lsn),
            done AS (SELECT h.* FROM public.history_log h, start WHERE h."_meta/source/lsn" > start.lsn)
            SELECT (SELECT count(*) FROM done), (SELECT count(*) FROM late),
                   (SELECT count(*) FROM done d JOIN late l ON l.lsn = d."_meta/source/lsn" AND l.op = 'u'
                       AND l.step = d.delta
                       AND l.id = CASE l.log WHEN 'accounts' THEN d.aid WHEN 'tellers' THEN d.tid ELSE d.bid END)
            """)
        let count = transactions[0, 0].flatMap { Int($0) } ?? 0
        #expect(count > 0)
        #expect(transactions[0, 1] == String(3 * count), "lines of the logs for \(count) transactions")
        #expect(transactions[0, 2] == String(3 * count), "lines that match their transaction's history")
    }

    private static func catalog(_ source: LocalServer, _ destination: LocalServer) -> String {
        var text = """
            captures:
              bank/source:
                endpoint:
                  connector:
                    image: source-postgres:dev
                    config:
                      { address: "127.0.0.1:\(source.port)", database: bank, user: postgres, password: none,
                        advanced: { slotName: bank } }
                bindings:

            """
        for (table, _) in tables {
            text += "      - { resource: { namespace: public, stream: pgbench_\(table) }, target: bank/\(table) }\n"
        }
        text += "collections:\n"
        for (table, key) in tables { text += "  bank/\(table): { key: [/\(key)] }\n" }
        text += """
            materializations:
              bank/destination:
                endpoint:
                  connector:
                    image: materialize-postgres:dev
                    config: { address: "127.0.0.1:\(destination.port)", database: bank, user: postgres, password: none }
                bindings:

            """
        for (table, _) in tables {
            text += "      - { source: bank/\(table), resource: { table: pgbench_\(table) } }\n"
            text += "      - { source: bank/\(table), resource: { table: \(table)_log, delta_updates: true } }\n"
        }
        return text
    }
}

/// pgbench, started again and again, also after a crash of the source has ended it, until it is told to stop.
private final class Traffic: Sendable {
    private let binaries: ServerBinaries
    private let address: [String]
    private let isStopped = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)

    init(_ binaries: ServerBinaries, _ address: [String]) {
        self.binaries = binaries
        self.address = address
    }

    func start() {
        Thread.detachNewThread { [self] in
            while !isStopped.load(ordering: .relaxed) {
                let run = try? ChildProcess(
                    binaries.program("pgbench"),
                    address + ["-n", "-c", "8", "-j", "1", "-R", "200", "-T", "2", "bank"],
                    environment: binaries.environment)
                if run?.wait() != 0 { usleep(200_000) }
            }
            ended.signal()
        }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
    }
}

/// Reads the sums of balances at the destination all the time. Every pgbench transaction adds one delta to an account, a
/// teller and a branch, so once every table streams the source has no state in which the three differ.
private final class SumReader: Sendable {
    struct Result {
        var reads = 0
        var sums: [String] = []
    }

    private let parameters: ConnectionParameters
    private let isStopped = Atomic<Bool>(false)
    private let result = Mutex(Result())
    private let ended = DispatchSemaphore(value: 0)

    init(_ destination: LocalServer) {
        parameters = destination.parameters(database: "bank")
    }

    func start() {
        Thread.detachNewThread { [self] in
            while !isStopped.load(ordering: .relaxed) {
                do {
                    let connection = try Connection(parameters)
                    while !isStopped.load(ordering: .relaxed) { try read(connection) }
                } catch {
                    // No server, no tables or no checkpoint yet.
                    usleep(50_000)
                }
            }
            ended.signal()
        }
    }

    private func read(_ connection: Connection) throws {
        try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        let rows = try connection.query(
            """
            SELECT (SELECT count(*) FROM flow.bindings WHERE phase <> 'streaming'),
                   (SELECT sum(abalance) FROM public.pgbench_accounts), (SELECT sum(tbalance) FROM public.pgbench_tellers),
                   (SELECT sum(bbalance) FROM public.pgbench_branches), (SELECT count(*) FROM flow.bindings)
            """)
        try connection.execute("COMMIT")
        guard rows[0, 0] == "0", rows[0, 4] == "8" else { return }
        result.withLock { result in
            result.reads += 1
            let sums = [rows[0, 1], rows[0, 2], rows[0, 3]]
            if Set(sums).count != 1 { result.sums.append(sums.map { $0 ?? "none" }.joined(separator: ", ")) }
        }
    }

    var hasRead: Bool { result.withLock { $0.reads > 0 } }

    func stop() -> Result {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
        return result.withLock { $0 }
    }
}

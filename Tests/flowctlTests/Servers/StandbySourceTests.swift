import Dispatch
import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

/// Threads that count rows up on a server, in transactions that overlap, until they are told to stop; at most so many that a
/// slow machine has an end of them, too.
private final class CountingWriters: Sendable {
    private let server: ConnectionParameters
    private let isStopped = Atomic<Bool>(false)
    private let group = DispatchGroup()

    init(_ server: ConnectionParameters) {
        self.server = server
    }

    func start(rows: Int) {
        for number in 0..<4 {
            group.enter()
            Thread.detachNewThread { [self] in
                defer { group.leave() }
                guard let connection = try? Connection(server) else { return }
                var random = SeededRandom(seed: UInt64(number))
                for _ in 0..<4000 where !isStopped.load(ordering: .relaxed) {
                    let ids = (0..<3).map { _ in Int.random(in: 1...rows, using: &random) }.sorted()
                    let isLong = Int.random(in: 0..<4, using: &random) == 0
                    try? connection.execute("BEGIN")
                    for id in Set(ids).sorted() {
                        try? connection.execute("UPDATE public.counted SET v = v + 1 WHERE id = \(id)")
                    }
                    if isLong { usleep(UInt32.random(in: 0...20_000, using: &random)) }
                    try? connection.execute(Int.random(in: 0..<8, using: &random) == 0 ? "ROLLBACK" : "COMMIT")
                }
            }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        group.wait()
    }
}

@Suite("a standby as source", .enabled(if: serverVersion >= 16, "logical decoding on a standby needs PostgreSQL 16"))
struct StandbySourceTests {
    /// Every update gives a row its next number, so an append-only copy of all changes must have each of a row's numbers from
    /// the first that it has up to the last, once. A change that a chunk contains and that is applied too is one twice; one that
    /// was skipped and that the chunk doesn't contain is one that is missing.
    @Test("is copied and followed exactly while its primary is written to; what it waits for is said")
    func copy() throws {
        let rows = 20_000
        let primary = try LocalServer("standby-primary", settings: [("max_wal_senders", "10")])
        let admin = try primary.connect()
        try admin.execute(
            """
            CREATE TABLE public.counted (id int PRIMARY KEY, v int NOT NULL);
            INSERT INTO public.counted SELECT i, 0 FROM generate_series(1, \(rows)) i;
            CREATE PUBLICATION flow_publication FOR TABLE public.counted;
            """)
        let standby = try LocalServer(
            "standby", copyOf: primary, isStandby: true, settings: [("hot_standby_feedback", "on")])
        let destination = try TestServer.destination.database("standby_copy")
        let pipeline = try PipelineFolder(
            standby.parameters(), destination, slot: "on_standby",
            advanced: ["backfill_chunk_size": 500, "read_only_capture": true])
        let tables = [
            PipelineFolder.Table(schema: "public", name: "counted", key: ["id"]),
            PipelineFolder.Table(schema: "public", name: "counted", key: ["id"], isDelta: true, destination: "log"),
        ]
        let file = try pipeline.write(tables)
        let apply = try FlowctlProcess(["apply", "-o", "json", file])
        let warning = apply.waitForLine(seconds: 60) { $0.contains("\"warning\"") || $0.contains("\"provisioned\"") }
        #expect(warning?.contains("pg_log_standby_snapshot()") == true, "\(warning ?? apply.errors)")
        let writers = CountingWriters(primary.parameters())
        writers.start(rows: rows)
        // The slot waits for what was open as the log first told of it, and learns of the end as the log tells again.
        #expect(
            try eventually(seconds: 60) {
                try admin.execute("SELECT pg_log_standby_snapshot()")
                return apply.lines.contains { $0.contains("\"provisioned\"") }
            })
        // A transaction that is open all the time: the snapshot's bounds are far apart.
        let open = try primary.connect()
        try open.execute("BEGIN; UPDATE public.counted SET v = v + 1 WHERE id = 1")
        var completed = 0
        _ = eventually(seconds: 120) {
            completed = apply.lines.count { $0.contains("\"backfill_completed\"") }
            return completed == 2 || !apply.isRunning
        }
        #expect(completed == 2, "\(apply.lines.suffix(5)) \(apply.errors)")
        try open.execute("COMMIT")
        writers.stop()
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0)

        // `--once` ends at what the standby has replayed.
        let last = try admin.query("SELECT pg_current_wal_flush_lsn()")[0, 0] ?? ""
        let replica = try standby.connect()
        #expect(
            try eventually(seconds: 60) {
                try replica.query("SELECT pg_last_wal_replay_lsn() >= \(literal: last)::pg_lsn")[0, 0] == "t"
            })
        let outcome = try pipeline.apply(tables)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let copied = try tableDifference(
            TableAt(primary.parameters(), "public", "counted"), TableAt(destination, "public", "counted"),
            columns: ["id", "v"], key: ["id"])
        #expect(copied.isEmpty && copied.rows == rows, "\(copied)")
        let log = try Connection(destination).query(
            """
            SELECT count(*) FILTER (WHERE n <> most - least + 1), count(*), sum(n),
                   count(*) FILTER (WHERE most <> (SELECT v FROM public.counted c WHERE c.id = l.id))
              FROM (SELECT id, count(*) AS n, min(v) AS least, max(v) AS most FROM public.log GROUP BY id) l
            """)
        #expect(log[0, 0] == "0" && log[0, 1] == "\(rows)" && log[0, 3] == "0", "\(log[0, 0] ?? "") rows are not whole")
        #expect((log[0, 2].flatMap { Int($0) } ?? 0) > rows, "nothing was written meanwhile")
        try readAgain(file, admin, destination)
        let again = try tableDifference(
            TableAt(primary.parameters(), "public", "counted"), TableAt(destination, "public", "counted"),
            columns: ["id", "v"], key: ["id"])
        #expect(again.isEmpty && again.rows == rows - 10, "\(again)")
        let made = try admin.query("SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical'")
        #expect(made[0, 0] == "0", "the primary was written to")
    }

    /// By a signal in a file, since nothing is written to a standby: what differs is mended, what the source lacks is removed.
    private func readAgain(_ file: String, _ admin: Connection, _ destination: ConnectionParameters) throws {
        let target = try Connection(destination)
        try target.execute(
            """
            DELETE FROM public.counted WHERE id % 7 = 0; UPDATE public.counted SET v = -1 WHERE id % 7 = 1;
            INSERT INTO public.counted SELECT g, 0 FROM generate_series(900001, 900700) g
            """)
        let apply = try FlowctlProcess(["apply", "-o", "json", file])
        let sent = try FlowctlProcess.run(
            ["signal", file, "--capture", "fidelity/source", "backfill", "--table", "public.counted"])
        #expect(sent.exitCode == 0, "\(sent.errors)")
        try admin.execute(
            "UPDATE public.counted SET v = v + 1 WHERE id < 500; DELETE FROM public.counted WHERE id <= 10")
        let isDone = {
            try target.query(
                "SELECT (SELECT state FROM flow.signals) = 'done' AND NOT EXISTS (SELECT FROM public.counted WHERE id <= 10)"
            )[0, 0] == "t"
        }
        #expect(try eventually(seconds: 90, isDone), "\(apply.output.suffix(2000)) \(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
    }
}

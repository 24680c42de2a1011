import Connectors
import Dispatch
import Foundation
import Postgres
import Runtime
import Synchronization
import TestSupport
import TestSupport

/// Databases for one test.
enum DevServers {
    /// A new database at the shared source.
    static func freshSource(_ name: String) throws -> ConnectionParameters {
        try TestServer.source.database(name)
    }

    /// Drops the database and its slots.
    static func drop(_ source: ConnectionParameters) throws {
        try TestServers.drop(source)
    }
}

/// Keeps every event, to be asked about.
final class CollectingObserver: RunObserver {
    private let events = Mutex<[RunEvent]>([])

    func record(_ event: RunEvent) {
        events.withLock { $0.append(event) }
    }

    func committed(task: String, binding: String, changes: Int, position: LogPosition, time: Int64) {}

    func count(_ kind: RunEvent.Kind) -> Int { events.withLock { $0.filter { $0.kind == kind }.count } }
    var all: [RunEvent] { events.withLock { $0 } }
}

/// Four threads of random transactions over the history test's tables: inserts, updates, deletes, moved keys, large values
/// left alone and replaced, savepoints, rollbacks. They leave a slow machine time to follow, and have an end.
final class RandomWriters: Sendable {
    /// Transactions of each thread.
    private static let most = 8000

    private let source: ConnectionParameters
    private let seed: UInt64
    private let isStopped = Atomic<Bool>(false)
    private let version = Atomic<Int>(1)
    private let group = DispatchGroup()

    init(source: ConnectionParameters, seed: UInt64) {
        self.source = source
        self.seed = seed
    }

    func start() {
        for number in 0..<4 {
            group.enter()
            Thread.detachNewThread { [self] in
                defer { group.leave() }
                guard let connection = try? Connection(source) else { return }
                var random = SeededRandom(seed: seed * 100 + UInt64(number))
                for _ in 0..<RandomWriters.most where !isStopped.load(ordering: .relaxed) {
                    transaction(connection, &random)
                    usleep(UInt32.random(in: 0...8000, using: &random))
                }
            }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        group.wait()
    }

    private func transaction(_ connection: Connection, _ random: inout SeededRandom) {
        do {
            try connection.execute("BEGIN")
            for _ in 0..<Int.random(in: 1...4, using: &random) { try change(connection, &random) }
            if Int.random(in: 0..<5, using: &random) == 0 { usleep(UInt32.random(in: 0...30_000, using: &random)) }
            try connection.execute(Int.random(in: 0..<10, using: &random) == 0 ? "ROLLBACK" : "COMMIT")
        } catch {
            try? connection.execute("ROLLBACK")
        }
    }

    private func change(_ connection: Connection, _ random: inout SeededRandom) throws {
        let next = version.add(1, ordering: .relaxed).newValue
        let table = Int.random(in: 0..<3, using: &random)
        let one = Int.random(in: 1...3600, using: &random)
        let other = Int.random(in: 1...3600, using: &random)
        let name = ["ints", "texts", "pairs"][table]
        func key(_ number: Int) -> String {
            switch table {
            case 0: "id = \(number)"
            case 1: "id = 'k\(number)'"
            default: "a = \(number % 7) AND id = \(number)"
            }
        }
        func columns(_ number: Int) -> String {
            switch table {
            case 0: "\(number)"
            case 1: "'k\(number)'"
            default: "\(number % 7), \(number)"
            }
        }
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<6:
            try connection.execute("UPDATE public.\(id: name) SET v = \(next) WHERE \(raw: key(one))")
        case 6..<8:
            try connection.execute(
                "UPDATE public.\(id: name) SET v = \(next), big = repeat('n\(next)', 800) WHERE \(raw: key(one))")
        case 8..<11:
            try connection.execute("DELETE FROM public.\(id: name) WHERE \(raw: key(one))")
        case 11..<15:
            try connection.execute(
                """
                INSERT INTO public.\(id: name) VALUES (\(raw: columns(one)), \(next), repeat('i\(next)', 700))
                ON CONFLICT DO NOTHING
                """)
        case 15..<18:
            // A key moves, and its large value stays as it is.
            let set =
                table == 2
                ? "a = \(other % 7), id = \(other)" : table == 1 ? "id = 'k\(other)'" : "id = \(other)"
            if one != other {
                try connection.execute("DELETE FROM public.\(id: name) WHERE \(raw: key(other))")
                try connection.execute(
                    "UPDATE public.\(id: name) SET \(raw: set), v = \(next) WHERE \(raw: key(one))")
            }
        default:
            try connection.execute("SAVEPOINT a")
            try connection.execute("UPDATE public.\(id: name) SET v = \(next) WHERE \(raw: key(one))")
            if Bool.random(using: &random) { try connection.execute("ROLLBACK TO a") }
        }
    }
}

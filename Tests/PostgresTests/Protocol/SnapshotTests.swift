import Postgres
import TestSupport
import Testing

@Suite("snapshots") struct SnapshotTests {
    private func snapshot(_ text: String) throws -> Snapshot { try #require(Snapshot(text)) }

    @Test("a snapshot sees what was over, and nothing in progress or later")
    func sees() throws {
        let snapshot = try snapshot("10:20:12,15")
        let seen = (8..<23).filter { snapshot.sees(FullTransactionID(UInt64($0))) }
        #expect(seen == [8, 9, 10, 11, 13, 14, 16, 17, 18, 19])
        #expect(snapshot.description == "10:20:12,15")
    }

    @Test(
        "anything but three parts of numbers is no snapshot",
        arguments: [
            "", "1:2", "1:2:3:4", "a:2:", "1:2:x", "1::", "2:1:", "1:5:7", "5:9:4", "1:9:3,2", "1:9:,", "1:9:3,",
            "+1:9:",
        ])
    func refused(text: String) {
        #expect(Snapshot(text) == nil)
    }

    @Test("one contains another exactly if it sees every transaction that the other sees")
    func contains() throws {
        var random = SeededRandom(seed: 7)
        var answers: [Bool: Int] = [:]
        for _ in 0..<4000 {
            let pair = try (0..<2).map { _ in
                // As the server makes them: the last before xmax is over, the first from xmin is in progress, if any is.
                let xmax = Int.random(in: 4...10, using: &random)
                let others = (4..<max(4, xmax - 1)).filter { _ in Bool.random(using: &random) }
                let xmin = others.first ?? xmax
                return try snapshot("\(xmin):\(xmax):\(others.map(String.init).joined(separator: ","))")
            }
            let all = (1..<14).map { FullTransactionID(UInt64($0)) }
            let expected = all.filter(pair[1].sees).allSatisfy(pair[0].sees)
            #expect(pair[0].contains(pair[1]) == expected, "\(pair[0]) contains \(pair[1])")
            answers[expected, default: 0] += 1
        }
        #expect(answers[true, default: 0] > 100 && answers[false, default: 0] > 100)
    }

    @Test("32 bits become the id nearest to the snapshot, on either side of a wrap-around")
    func widen() throws {
        let wrap = UInt64(1) << 32
        let after = try snapshot("\(3 * wrap + 5):\(3 * wrap + 10):")
        #expect(after.widen(TransactionID(9)).rawValue == 3 * wrap + 9)
        #expect(after.widen(TransactionID(10)).rawValue == 3 * wrap + 10)
        #expect(after.widen(TransactionID(40)).rawValue == 3 * wrap + 40)
        #expect(after.widen(TransactionID(.max)).rawValue == 3 * wrap - 1)
        let before = try snapshot("\(3 * wrap - 20):\(3 * wrap - 10):")
        #expect(before.widen(TransactionID(.max - 30)).rawValue == 3 * wrap - 31)
        #expect(before.widen(TransactionID(7)).rawValue == 3 * wrap + 7)
        let fresh = try snapshot("700:700:")
        #expect(fresh.widen(TransactionID(650)).rawValue == 650)
        #expect(fresh.widen(TransactionID(.max)).rawValue == UInt64(UInt32.max))
    }

    @Test("the server's own snapshot tells a transaction in progress from one that is over")
    func fromTheServer() throws {
        let database = try TestServer.source.database("snapshot")
        let (open, over, reader) = (try Connection(database), try Connection(database), try Connection(database))
        func id(_ connection: Connection) throws -> FullTransactionID {
            let text = try connection.query("SELECT pg_current_xact_id()")[0, 0]
            return FullTransactionID(try #require(text.flatMap(UInt64.init)))
        }
        func current() throws -> Snapshot {
            try snapshot(try reader.query("SELECT pg_current_snapshot()")[0, 0] ?? "")
        }
        try open.execute("BEGIN")
        let inProgress = try id(open)
        let committed = try id(over)
        let first = try current()
        #expect(!first.sees(inProgress))
        #expect(first.sees(committed))
        try open.execute("COMMIT")
        let second = try current()
        #expect(second.sees(inProgress))
        #expect(second.contains(first))
        #expect(!first.contains(second))
        #expect(second.widen(TransactionID(UInt32(truncatingIfNeeded: committed.rawValue))) == committed)
    }
}

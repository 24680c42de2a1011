import Postgres
import TestSupport
import Testing

@testable import SourcePostgres

/// Rows carry 32 bits of their transaction's number, and the server has given out 64.
@Suite("the transaction from which on rows are read")
struct OldestTransactionTests {
    @Test(
        "a row counts if and only if it is at or after it, whatever round of ids the server is in; one of an older round may be read, none is left out",
        arguments: [1_000, 4_294_967_290, 4_294_967_300, 8_000_000_000, 3 * (Int64(1) << 32) - 1])
    func rounds(newest: Int64) throws {
        let connection = try Connection(TestServer.source.database("oldest"))
        defer { connection.close() }
        var random = SplitMix(state: UInt64(newest))
        let round = Int64(1) << 32
        for isWhole in [false, true] {
            for _ in 0..<40 {
                let oldest = Int64.random(in: max(3, newest - round + 1)...newest, using: &random)
                let text = isWhole ? oldest : oldest & (round - 1)
                guard text > 2, let filter = OldestTransaction("\(text)"), !isWhole || oldest >= round || newest < round
                else { continue }
                let near = (oldest - 2...oldest + 2).filter { $0 <= newest }
                let others = (0..<4).map { _ in Int64.random(in: 3...newest, using: &random) }
                for row in near + others where row & (round - 1) > 2 {
                    let bits = "'\(row & (round - 1))'::xid"
                    let condition = filter.condition(row: bits, newest: "\(newest)")
                    let found = try connection.query("SELECT \(raw: condition)")[0, 0] == "t"
                    let isYoung = row > newest - round
                    #expect(isYoung ? found == (row >= oldest) : found || row < oldest, "\(row) \(oldest) \(newest)")
                }
            }
        }
    }

    @Test("rows that the cluster was made with, or that an old version froze, are older than every transaction")
    func frozen() throws {
        let connection = try Connection(TestServer.source.database("oldest"))
        defer { connection.close() }
        for (oldest, expected) in [("3", "f"), ("9000000000", "f"), ("2", "t"), ("0", "t")] {
            let filter = try #require(OldestTransaction(oldest))
            for row in ["'1'::xid", "'2'::xid"] {
                let condition = filter.condition(row: row, newest: "9000000001")
                let found = try connection.query("SELECT \(raw: condition)")
                #expect(found[0, 0] == expected)
            }
        }
        #expect(OldestTransaction("99999999999999999999") == nil)
    }
}

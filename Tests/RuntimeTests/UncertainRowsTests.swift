import Connectors
import Testing

@testable import Runtime

private func key(_ number: Int) -> UncertainRows.Key { [Array(String(number).utf8)] }

@Suite("rows that the log has still to prove")
struct UncertainRowsTests {
    private var rows = UncertainRows(bindings: 2)

    private func found(_ transaction: UInt32?, until: UInt64) -> FoundRow {
        FoundRow(row: transaction.map { _ in ChangeBatch() }, transaction: transaction, until: LogPosition(until))
    }

    /// The bindings of rows that are missing; and whether a row was waited for.
    private mutating func pass(_ position: UInt64, _ transaction: UInt32? = nil) -> String {
        let (missing, hasWaited) = rows.pass(LogPosition(position), transaction)
        return "\(missing) \(hasWaited)"
    }

    @Test("a row is proven by the end of the transaction that left it, and else by the position after the look")
    mutating func proven() {
        rows.add(key(1), 0, found(7, until: 100))
        rows.add(key(2), 0, found(8, until: 100))
        rows.add(key(3), 1, found(nil, until: 90))
        let passed1 = pass(50, 7)
        #expect(passed1 == "[] false")
        #expect(rows[key(1), 0] == nil && rows[key(2), 0] != nil && rows.count == 2)
        let passed2 = pass(99, 6)
        #expect(passed2 == "[] false")
        let passed3 = pass(100)
        #expect(passed3 == "[1] true")
        #expect(rows.isEmpty && rows.until == .zero && rows.doubts.isEmpty)
    }

    @Test("what was read again later is proven by the later look alone, and what was taken away needs no proof")
    mutating func later() {
        rows.add(key(1), 0, found(7, until: 100))
        rows.add(key(1), 0, found(9, until: 200))
        rows.add(key(2), 1, found(9, until: 200))
        rows.remove(key(2), 1)
        #expect(rows.doubts.map(\.binding) == [0] && rows.doubts.map(\.until) == [LogPosition(200)])
        let passed4 = pass(150, 7)
        #expect(passed4 == "[] false")
        #expect(rows.count == 1)
        let passed5 = pass(160, 9)
        #expect(passed5 == "[] false")
        #expect(rows.isEmpty)
    }

    @Test(
        "a proven row is whole until everything is committed, under each key that it gets; one that the source lacks is not"
    )
    mutating func whole() {
        rows.add(key(1), 0, found(7, until: 100))
        rows.add(key(2), 0, found(nil, until: 100))
        _ = rows.pass(LogPosition(100), nil)
        let isWhole1 = rows.isWhole(key(2), key(2), 0)
        #expect(!isWhole1)
        let isWhole2 = rows.isWhole(key(1), key(1), 1)
        #expect(!isWhole2)
        let isWhole3 = rows.isWhole(key(1), key(5), 0)
        #expect(isWhole3)
        let isWhole4 = rows.isWhole(key(1), key(1), 0)
        #expect(!isWhole4)
        let isWhole5 = rows.isWhole(key(5), key(5), 0)
        #expect(isWhole5)
        rows.forgetWhole()
        let isWhole6 = rows.isWhole(key(5), key(5), 0)
        #expect(!isWhole6)
    }

    @Test("where there is always another row, those before are proven one by one")
    mutating func endless() {
        for number in 1...20_000 {
            rows.add(key(number), 0, found(UInt32(number), until: UInt64(number * 10 + 50)))
            _ = rows.pass(LogPosition(UInt64(number * 10)), nil)
            #expect(rows.count <= 6)
        }
        #expect(rows.count == 5)
    }
}

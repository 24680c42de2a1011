import Testing

@testable import SourcePostgres

@Suite("the pace of reading")
struct ReadPaceTests {
    @Test("a machine that has run for years, and a stream that was silent for years, are read as others are")
    func longTimes() {
        let year: Int64 = 31_536_000_000_000_000
        var pace = ReadPace()
        pace.waitIfBusy(at: 10 * year)
        #expect(!pace.isBusy)
        pace.received(7_000)
        pace.waitIfBusy(at: 10 * year + 10_000_000)
        #expect(!pace.isBusy)
        for part in 1...20 {
            pace.received(7_000)
            pace.waitIfBusy(at: 20 * year + Int64(part))
        }
        pace.waitIfBusy(at: 20 * year + 10_000_010)
        #expect(pace.isBusy)
    }
}

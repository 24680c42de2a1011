import Connectors
import Testing

@testable import SourcePostgres

@Suite("where a table is in its window")
struct WindowStateTests {
    private static let window = TimeWindow(notBefore: 100, notAfter: 200)

    @Test("both moments count; it opens and ends with the first transaction, whatever the clock says later")
    func latches() {
        var state = WindowState(Self.window)
        let seen = ([99, 100, 50, 200, 201, 150] as [Int64]).map { time in
            (state.passed(time, hasRows: false), state.phase)
        }
        #expect(seen.map(\.0) == [false, true, false, false, true, false])
        #expect(seen.map(\.1) == [.waiting, .open, .open, .open, .over, .over])
    }

    @Test("what is left out before it opens is remembered where rows were read that it may concern")
    func gaps() {
        var state = WindowState(Self.window)
        let changed = [false, true, true].map { state.passed(1, hasRows: $0) }
        #expect(changed == [false, true, false])
        #expect(state.lacksRows)
        _ = state.passed(300, hasRows: true)
        #expect(state.phase == .over)
    }

    @Test("is kept as it is, for the catalog's window or another one")
    func resuming() throws {
        var state = WindowState(Self.window)
        _ = state.passed(150, hasRows: true)
        let kept = try #require(WindowState(state.json))
        #expect(kept == state)
        #expect(WindowState(TimeWindow(notBefore: 100, notAfter: nil), after: kept).phase == .open)
        #expect(WindowState(TimeWindow(notBefore: 500, notAfter: nil), after: kept).phase == .waiting)
        #expect(WindowState(nil, after: kept).phase == .open)
        #expect(!kept.leftOut(by: nil))

        _ = state.passed(201, hasRows: true)
        let over = try #require(WindowState(state.json))
        #expect(over.leftOut(by: nil) && over.leftOut(by: TimeWindow(notBefore: nil, notAfter: 201)))
        #expect(!over.leftOut(by: Self.window) && !over.leftOut(by: TimeWindow(notBefore: 9, notAfter: 150)))
        #expect(WindowState(TimeWindow(notBefore: 9, notAfter: 150), after: over).phase == .over)
    }
}

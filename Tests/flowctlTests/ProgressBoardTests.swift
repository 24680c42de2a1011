import Connectors
import Diagnostics
import Runtime
import Testing

@testable import flowctl

@Suite("the progress of apply")
struct ProgressBoardTests {
    private func event(_ kind: RunEvent.Kind, _ binding: String, rows: Int64? = nil, of estimate: Int64? = nil)
        -> RunEvent
    {
        var event = RunEvent(kind, task: "shop/warehouse", binding: binding)
        event.rows = rows
        event.totalRowsEstimate = estimate
        return event
    }

    @Test("a table that is being copied shows its share, its speed of the last seconds, and the time left")
    func copying() {
        var board = ProgressBoard()
        board.note(event(.backfillStarted, "public.orders", of: 100_000), now: 0)
        // A slow first minute does not count any more.
        board.note(event(.backfillProgress, "public.orders", rows: 1000, of: 100_000), now: 60)
        for second in 61...70 {
            board.note(
                event(.backfillProgress, "public.orders", rows: Int64(second - 60) * 5000, of: 100_000),
                now: Double(second))
        }
        #expect(
            board.text(now: 70, width: 200, most: 10) == [
                "public.orders  [#####.....]  50 %  50000 of ~100000 rows  5000/s  10 s left"
            ])
        // Nothing comes any more: the speed falls.
        #expect(board.text(now: 80, width: 200, most: 10)[0].contains("  0/s"))
    }

    @Test("a table that streams shows its changes, their speed and the last lag, while it is fresh")
    func streaming() {
        var board = ProgressBoard()
        board.note(event(.streaming, "public.orders"), now: 0)
        for tenth in 1...40 {
            board.committed(
                task: "shop/warehouse", binding: "public.orders", changes: 10, lag: 0.035, now: Double(tenth) / 4)
        }
        #expect(board.text(now: 10, width: 200, most: 10) == ["public.orders  live  400 changes  40/s  lag 35 ms"])
        #expect(board.text(now: 60, width: 200, most: 10) == ["public.orders  live  400 changes  0/s"])
    }

    @Test("lines are no wider and no more than the terminal has room for, those that are being copied first")
    func room() {
        var board = ProgressBoard()
        for number in 1...30 { board.note(event(.streaming, "public.table_\(number)"), now: 0) }
        board.note(event(.backfillStarted, "public.late", of: 10), now: 0)
        let text = board.text(now: 1, width: 30, most: 5)
        #expect(text.count == 5 && text.allSatisfy { $0.count <= 30 })
        #expect(text[0].hasPrefix("public.late ") && text[4] == "and 27 more")
    }

    @Test(
        "where there is little room, the speed and the time left stay, and names lose their beginnings",
        arguments: [
            (100, "  50 %  50000 of ~100000 rows  5000/s  10 s left"), (60, "  50 %  5000/s  10 s left"),
            (40, "  50 %  5000/s  10 s left"), (12, "  50 %"),
        ])
    func narrow(width: Int, expected: String) {
        var board = ProgressBoard()
        let name = "public.a_table_with_a_rather_long_name_for_a_terminal_é日本"
        for (binding, step) in [(name, 5000), ("public.a", 5000)] {
            board.note(event(.backfillStarted, binding, of: 100_000), now: 60)
            for second in 61...70 {
                board.note(
                    event(.backfillProgress, binding, rows: Int64((second - 60) * step), of: 100_000),
                    now: Double(second))
            }
        }
        let text = board.text(now: 70, width: width, most: 10)
        #expect(text.count == 2)
        for line in text {
            #expect(TerminalWidth.of(line) <= width && line.contains(expected.prefix(width)), "\(line)")
        }
        if width > 20 { #expect(text[0].contains("…") && text[0].contains("é日本  ") && text[1].hasPrefix("public.a ")) }
    }

    @Test("tasks are named where there are several")
    func tasks() {
        var board = ProgressBoard()
        board.note(RunEvent(.streaming, task: "shop/one", binding: "public.a"), now: 0)
        board.note(RunEvent(.streaming, task: "shop/two", binding: "public.bc"), now: 0)
        #expect(
            board.text(now: 1, width: 80, most: 5) == [
                "shop/one public.a   live  0 changes  0/s", "shop/two public.bc  live  0 changes  0/s",
            ])
    }
}

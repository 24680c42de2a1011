import Connectors
import Glibc
import Runtime

/// The lines at the foot of a terminal: one a binding, with rows, rate, time left or lag. Draws at most five times a second.
struct ProgressBoard {
    private struct Line {
        var name: String
        var isStreaming = false
        var rows: Int64 = 0
        var estimate: Int64?
        var changes: Int64 = 0
        var since = Clock.seconds()
        var lag: Double?
    }

    private static let mostLines = 20
    private var lines: [Line] = []
    private var painted = 0
    private var lastPaint = 0.0

    mutating func note(_ event: RunEvent) {
        guard let binding = event.binding, let task = event.task else { return }
        let index = line("\(task) \(binding)")
        switch event.kind {
        case .backfillStarted, .backfillProgress, .backfillCompleted:
            lines[index].rows = event.rows ?? lines[index].rows
            lines[index].estimate = event.totalRowsEstimate
        case .streaming:
            lines[index].isStreaming = true
            lines[index].since = Clock.seconds()
        default: break
        }
    }

    mutating func committed(task: String, binding: String, changes: Int, position: LogPosition, time: Int64) {
        let index = line("\(task) \(binding)")
        lines[index].changes += Int64(changes)
        if time > 0 { lines[index].lag = max(0, Double(Clock.logTime() - time) / 1e6) }
    }

    private mutating func line(_ name: String) -> Int {
        if let index = lines.firstIndex(where: { $0.name == name }) { return index }
        lines.append(Line(name: name))
        return lines.count - 1
    }

    /// Takes the lines away, so that a line of text can be printed.
    mutating func erase() {
        guard Output.isTerminal, painted > 0 else { return }
        Output.write("\u{1B}[\(painted)A\u{1B}[J", to: STDERR_FILENO)
        painted = 0
    }

    mutating func paint(force: Bool) {
        guard Output.isTerminal else { return }
        let now = Clock.seconds()
        guard force || now - lastPaint > 0.2 else { return }
        lastPaint = now
        erase()
        let shown = lines.prefix(ProgressBoard.mostLines)
        var text = shown.map { ProgressBoard.text($0, now) + "\n" }.joined()
        if lines.count > shown.count { text += "… and \(lines.count - shown.count) more\n" }
        Output.write(text, to: STDERR_FILENO)
        painted = shown.count + (lines.count > shown.count ? 1 : 0)
    }

    private static func text(_ line: Line, _ now: Double) -> String {
        let elapsed = max(0.001, now - line.since)
        if line.isStreaming {
            let lag = line.lag.map { "  lag \(milliseconds($0))" } ?? ""
            return "\(line.name)  live  \(line.changes) changes  \(Int(Double(line.changes) / elapsed))/s\(lag)"
        }
        let rate = Double(line.rows) / elapsed
        var text = "\(line.name)  \(line.rows)"
        if let estimate = line.estimate, estimate > 0 {
            text += "/~\(estimate)"
            if rate > 0, estimate > line.rows { text += "  eta \(Int(Double(estimate - line.rows) / rate)) s" }
        }
        return text + "  \(Int(rate)) rows/s"
    }

    private static func milliseconds(_ seconds: Double) -> String {
        seconds < 10 ? "\(Int(seconds * 1000)) ms" : "\(Int(seconds)) s"
    }
}

import Connectors
import Diagnostics
import Runtime

/// How far each binding is, as lines of text: rows, share, speed and time left while it is copied; changes, speed and lag
/// while it streams. Pure: times are handed in, as seconds of one clock.
struct ProgressBoard {
    /// How long back a speed looks, in seconds.
    static let window = 5.0

    private struct Line {
        var task: String
        var binding: String
        var isStreaming = false
        var rows: Int64 = 0
        var estimate: Int64?
        var changes: Int64 = 0
        var speed = Speed()
        var lag: Double?
        var lastCommit = 0.0
    }

    private var lines: [Line] = []

    mutating func note(_ event: RunEvent, now: Double) {
        guard let binding = event.binding, let task = event.task else { return }
        let index = line(task, binding)
        switch event.kind {
        case .backfillStarted, .backfillProgress, .backfillCompleted:
            if event.kind == .backfillStarted { lines[index].speed = Speed() }
            lines[index].isStreaming = false
            lines[index].rows = event.rows ?? 0
            lines[index].estimate = event.totalRowsEstimate
            lines[index].speed.note(lines[index].rows, now)
        case .streaming:
            guard !lines[index].isStreaming else { return }
            lines[index].isStreaming = true
            lines[index].changes = 0
            lines[index].speed = Speed()
            lines[index].speed.note(0, now)
        default: break
        }
    }

    /// `lag`: seconds from the source's commit to the destination's.
    mutating func committed(task: String, binding: String, changes: Int, lag: Double?, now: Double) {
        let index = line(task, binding)
        lines[index].changes += Int64(changes)
        lines[index].lag = lag
        lines[index].lastCommit = now
        // A binding that never said that it streams did so before this run.
        if lines[index].rows == 0 { lines[index].isStreaming = true }
        if lines[index].isStreaming { lines[index].speed.note(lines[index].changes, now) }
    }

    private mutating func line(_ task: String, _ binding: String) -> Int {
        if let index = lines.firstIndex(where: { $0.task == task && $0.binding == binding }) { return index }
        lines.append(Line(task: task, binding: binding))
        return lines.count - 1
    }

    /// At most `most` lines, none wider than `width`: tables that are being copied first. Where there is little room, first the
    /// bars go, then what can be told from the rest, and then the beginnings of names.
    func text(now: Double, width: Int, most: Int) -> [String] {
        let sorted = lines.filter { !$0.isStreaming } + lines.filter(\.isStreaming)
        let shown = sorted.prefix(sorted.count > most ? max(0, most - 1) : most)
        let isOneTask = Set(lines.map(\.task)).count == 1
        let names = shown.map { isOneTask ? $0.binding : "\($0.task) \($0.binding)" }
        let longest = names.map { TerminalWidth.of($0) }.max() ?? 0
        var details: [String] = []
        var room = 0
        for detail in Detail.allCases {
            details = shown.map { ProgressBoard.text(of: $0, detail, now) }
            room = width - 2 - (details.map(\.count).max() ?? 0)
            if room >= min(longest, ProgressBoard.leastName) { break }
        }
        let nameWidth = max(0, min(longest, room))
        var text = zip(names, details).map { name, detail in
            let name = TerminalWidth.end(of: name, columns: nameWidth)
            return name + String(repeating: " ", count: nameWidth - TerminalWidth.of(name)) + "  " + detail
        }
        if sorted.count > shown.count { text.append("and \(sorted.count - shown.count) more") }
        return text.map { TerminalWidth.beginning(of: $0, columns: width) }
    }

    /// The columns that a longer name is left rather than details.
    private static let leastName = 24

    /// How much is said of a table, from the most to the least.
    private enum Detail: CaseIterable {
        case all, withoutBar, withoutTotal, least
    }

    private static func text(of line: Line, _ detail: Detail, _ now: Double) -> String {
        let speed = line.speed.perSecond(now)
        guard !line.isStreaming else {
            let lag = line.lag.flatMap { now - line.lastCommit <= window ? "lag \(lagText($0))" : nil }
            let changes = "live  \(line.changes) changes"
            return [detail == .least ? "live" : changes, "\(Int(speed.rounded()))/s", lag].compactMap(\.self)
                .joined(separator: "  ")
        }
        guard let estimate = line.estimate, estimate > 0 else { return "\(line.rows) rows  \(Int(speed))/s" }
        let share = min(99, Int(Double(line.rows) / Double(estimate) * 100))
        var parts = ["\(share) %"]
        switch detail {
        case .all: parts = [bar(share), parts[0], "\(line.rows) of ~\(max(estimate, line.rows)) rows"]
        case .withoutBar: parts.append("\(line.rows) of ~\(max(estimate, line.rows)) rows")
        case .withoutTotal: parts.append("\(line.rows) rows")
        case .least: break
        }
        parts.append("\(Int(speed))/s")
        if speed >= 1, estimate > line.rows {
            parts.append("\(Quantity.seconds(Int64(Double(estimate - line.rows) / speed))) left")
        }
        return parts.joined(separator: "  ")
    }

    private static func bar(_ share: Int) -> String {
        let full = share / 10
        return "[" + String(repeating: "#", count: full) + String(repeating: ".", count: 10 - full) + "]"
    }

    private static func lagText(_ seconds: Double) -> String {
        seconds < 10 ? "\(Int(seconds * 1000)) ms" : Quantity.seconds(Int64(seconds))
    }

    /// What a count has grown by in the last seconds.
    private struct Speed {
        private var samples: [(time: Double, count: Int64)] = []

        mutating func note(_ count: Int64, _ now: Double) {
            // Many commits a second are one sample.
            if samples.count > 1, let last = samples.last, now - last.time < 0.1 { samples.removeLast() }
            samples.append((now, count))
            while samples.count > 2, samples[1].time < now - ProgressBoard.window { samples.removeFirst() }
        }

        func perSecond(_ now: Double) -> Double {
            guard let last = samples.last else { return 0 }
            let first = samples.last { $0.time <= now - ProgressBoard.window } ?? samples[0]
            let time = max(now - max(first.time, now - ProgressBoard.window), 0.1)
            return Double(last.count - first.count) / time
        }
    }
}

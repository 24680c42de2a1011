import Connectors

/// `flowctl status` for people: a line a task, below it its slot and tables, and what is wrong with what to do about it.
struct StatusText {
    let hasColour: Bool

    /// Name and state in columns; what there is to say of it; whole lines below.
    private struct Line {
        var name: String
        var state: String
        var detail: String
        var below: [String] = []
        var colour: String?
    }

    /// Ends with a line break, unless there is no task.
    func text(_ report: StatusReport) -> String {
        let lines = report.tasks.flatMap(lines)
        let nameWidth = lines.map(\.name.count).max() ?? 0
        let stateWidth = lines.map(\.state.count).max() ?? 0
        return lines.map { line in
            var text = padded(line.name, nameWidth) + "  " + coloured(padded(line.state, stateWidth), line.colour)
            if !line.detail.isEmpty { text += "  " + line.detail }
            while text.last == " " { text.removeLast() }
            return text + "\n" + line.below.map { $0 + "\n" }.joined()
        }.joined()
    }

    private func lines(_ task: StatusReport.Task) -> [Line] {
        var head = line("\(task.kind.rawValue) \(task.name)", task.state, detail(task))
        head.below = task.findings.flatMap { notes($0.isFatal ? "error" : "warning", $0.message, $0.hint, indent: 2) }
        var lines = [head]
        if let slot = task.slot { lines.append(line(slot)) }
        // A captured table that is as its task is has nothing to add: its copies are shown where they are.
        for binding in task.bindings where task.kind == .materialization || binding.state == .disabled {
            var part = line("  \(binding.resource)", binding.state, detail(binding.backfill, binding.state))
            if let park = binding.park {
                part.detail = "parked since \(park.since): \(park.changes) changes, \(Quantity.bytes(park.bytes)) wait"
            }
            let isShownAbove = task.findings.contains { $0.message == binding.error }
            if let error = binding.error, !isShownAbove {
                let word = binding.state == .failed || binding.state == .disabled ? "error" : "trying again"
                let hint = binding.park.map { _ in "then: flowctl retry FILE --table \(binding.resource)" }
                part.below = notes(word, error, hint, indent: 4)
            }
            if let gap = binding.gap { part.below += notes("note", gap.remark, nil, indent: 4) }
            lines.append(part)
        }
        return lines + task.signals.map(line)
    }

    // MARK: - One thing

    private func detail(_ task: StatusReport.Task) -> String {
        var parts: [String] = []
        if let lag = task.lag {
            let seconds = lag.seconds.map { Quantity.seconds($0) } ?? "unknown time"
            parts.append(lag.bytes == 0 ? "no lag" : "lag \(Quantity.bytes(lag.bytes)), \(seconds)")
        }
        if let position = task.position { parts.append("at \(position)") }
        return parts.joined(separator: "  ")
    }

    private func line(_ slot: SlotStatus) -> Line {
        guard slot.exists else { return Line(name: "  slot \(slot.name)", state: "missing", detail: "") }
        var state = slot.isActive ? "active" : "inactive"
        if let word = slot.walStatus, word == "lost" || word == "unreserved" { state = word }
        var parts: [String] = []
        if !slot.isActive { parts.append("no runner reads from it") }
        if let retained = slot.retainedBytes { parts.append("keeps \(Quantity.bytes(retained)) of the source's log") }
        if let left = slot.bytesLeft {
            parts.append("lost after \(Quantity.bytes(left)) more")
        }
        var line = Line(name: "  slot \(slot.name)", state: state, detail: parts.joined(separator: ", "))
        line.colour = state == "active" ? nil : slot.walStatus == "lost" ? StatusText.red : StatusText.yellow
        return line
    }

    private func line(_ signal: SignalRecord) -> Line {
        var parts = [signal.type]
        if !signal.tables.isEmpty { parts.append(signal.tables.joined(separator: ", ")) }
        if let rows = signal.rows { parts.append("\(rows) rows") }
        var line = Line(
            name: "  signal \(signal.id)", state: signal.state.rawValue, detail: parts.joined(separator: "  "))
        line.below = signal.error.map { notes("error", $0, nil, indent: 4) } ?? []
        switch signal.state {
        case .failed: line.colour = StatusText.red
        case .queued, .running, .paused: line.colour = StatusText.yellow
        case .done, .stopped: line.colour = nil
        }
        return line
    }

    private func detail(_ backfill: StatusReport.Backfill?, _ state: StatusReport.State) -> String {
        guard let backfill else { return "" }
        if state == .streaming { return "\(backfill.rows) rows copied" }
        var text = "\(backfill.rows)"
        if let estimate = backfill.estimatedRows, estimate > 0 {
            let percent = min(99, Int(Double(backfill.rows) / Double(estimate) * 100))
            text += " of about \(max(estimate, backfill.rows)) rows (\(percent) %)"
        } else {
            text += " rows"
        }
        return text + ", \(Quantity.bytes(backfill.bytes))"
    }

    private func notes(_ word: String, _ message: String, _ hint: String?, indent: Int) -> [String] {
        var lines = message.split(separator: "\n").map(String.init)
        if !lines.isEmpty { lines[0] = "\(word): \(lines[0])" }
        if let hint { lines.append("hint: \(hint)") }
        return lines.map { String(repeating: " ", count: indent) + $0 }
    }

    // MARK: - Form

    private static let red = "31"
    private static let yellow = "33"
    private static let green = "32"

    private func line(_ name: String, _ state: StatusReport.State, _ detail: String) -> Line {
        let colour: String? =
            switch state {
            case .failed: StatusText.red
            case .pending, .backfilling, .paused: StatusText.yellow
            case .streaming: StatusText.green
            case .disabled: nil
            }
        return Line(name: name, state: state.rawValue, detail: detail, colour: colour)
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func coloured(_ text: String, _ colour: String?) -> String {
        guard hasColour, let colour else { return text }
        return "\u{1B}[\(colour)m\(text)\u{1B}[0m"
    }
}

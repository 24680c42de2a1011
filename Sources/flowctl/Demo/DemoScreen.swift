import Glibc

/// What the demo says: steps and progress to standard error as messages of level `info`, results to standard output. Progress
/// is one line that is written over on a terminal, and a line each elsewhere.
final class DemoScreen {
    private let isTerminal: Bool
    private var hasOpenLine = false
    private let start: UInt64
    private let log: Log

    init(start: UInt64, log: Log = Log()) {
        self.start = start
        self.log = log
        isTerminal = Output.isTerminal && log.format == .text && log.shows(.info)
    }

    /// Something that is done, with the seconds since the start.
    func step(_ name: String, _ text: String) {
        closeLine()
        let line = "\(DemoScreen.seconds(MonotonicClock.seconds(since: start)))  \(DemoScreen.pad(name, 10)) \(text)"
        log.write(.info, log.format == .json ? "\(name): \(text)" : line)
    }

    /// Something that goes on. Off a terminal it is left out unless `isLasting`.
    func progress(_ name: String, _ text: String, isLasting: Bool = false) {
        guard isTerminal else {
            if isLasting { step(name, text) }
            return
        }
        let elapsed = DemoScreen.seconds(MonotonicClock.seconds(since: start))
        put("\r\u{1B}[K\(elapsed)  \(DemoScreen.pad(name, 10)) \(text)")
        hasOpenLine = true
    }

    func say(_ text: String) {
        closeLine()
        log.write(.info, text)
    }

    /// A line of the result.
    func result(_ text: String) {
        closeLine()
        Output.line(text)
    }

    private func closeLine() {
        if hasOpenLine { put("\n") }
        hasOpenLine = false
    }

    private func put(_ text: String) {
        Output.write(text, to: STDERR_FILENO)
    }

    // MARK: - Forms

    /// `1,234,567`.
    static func grouped(_ number: Int) -> String {
        var digits = String(number.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        groups.insert(digits, at: 0)
        return (number < 0 ? "-" : "") + groups.joined(separator: ",")
    }

    /// `12.3 s`, right-aligned.
    static func seconds(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        return pad("\(tenths / 10).\(tenths % 10) s", -8)
    }

    /// Fills up to a width with spaces: behind the text, or before it where the width is negative.
    static func pad(_ text: String, _ width: Int) -> String {
        let spaces = String(repeating: " ", count: max(0, abs(width) - text.count))
        return width < 0 ? spaces + text : text + spaces
    }
}

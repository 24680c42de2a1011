import Glibc

/// What the demo says: steps and progress to standard error, results to standard output. Progress is one line that is
/// written over on a terminal, and a line each elsewhere.
final class DemoScreen {
    private let isTerminal = isatty(2) == 1
    private var hasOpenLine = false
    private let start: UInt64

    init(start: UInt64) {
        self.start = start
    }

    /// Something that is done, with the seconds since the start.
    func step(_ name: String, _ text: String) {
        closeLine()
        put("\(DemoScreen.seconds(MonotonicClock.seconds(since: start)))  \(DemoScreen.pad(name, 10)) \(text)\n")
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
        put("\(text)\n")
    }

    /// A line of the result.
    func result(_ text: String) {
        closeLine()
        print(text)
    }

    private func closeLine() {
        if hasOpenLine { put("\n") }
        hasOpenLine = false
    }

    private func put(_ text: String) {
        _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
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

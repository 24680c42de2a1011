import Diagnostics
import Glibc

/// The board at the foot of a terminal, below the messages. Draws at most five times a second.
struct ProgressScreen {
    let isShown: Bool
    var board = ProgressBoard()
    /// The lines that stand there, by their widths.
    private var painted: [Int] = []
    private var lastPaint = 0.0

    init(isShown: Bool) {
        self.isShown = isShown
    }

    /// Writes messages above the board, if there are any to write; else lets the board follow.
    mutating func above(_ hasMessages: Bool, _ write: () -> Void) {
        if hasMessages {
            erase()
            write()
        } else if Clock.seconds() - lastPaint <= 0.2 {
            return
        }
        paint()
    }

    mutating func paint() {
        guard isShown else { return }
        lastPaint = Clock.seconds()
        let size = ProgressScreen.size()
        // A line that wrapped, or scrolled away, could not be erased.
        let lines = board.text(now: lastPaint, width: size.columns - 1, most: min(20, max(1, size.rows / 2)))
        let text = erasure(size.columns) + lines.map { $0 + "\n" }.joined()
        if !text.isEmpty { Output.write(text, to: STDERR_FILENO) }
        painted = lines.map { TerminalWidth.of($0) }
    }

    private mutating func erase() {
        guard isShown, !painted.isEmpty else { return }
        Output.write(erasure(ProgressScreen.size().columns), to: STDERR_FILENO)
        painted = []
    }

    /// What takes the cursor to the first of the painted lines and clears all from there. A terminal echoes `^C` at the cursor,
    /// and one that has become narrower has wrapped the lines.
    private func erasure(_ columns: Int) -> String {
        let rows = painted.reduce(0) { $0 + max(1, ($1 + columns - 1) / columns) }
        return rows > 0 ? "\r\u{1B}[\(rows)A\u{1B}[J" : ""
    }

    /// 24 rows of 80 columns where the terminal doesn't know.
    private static func size() -> (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1, size.ws_row > 1 else {
            return (24, 80)
        }
        return (Int(size.ws_row), Int(size.ws_col))
    }
}

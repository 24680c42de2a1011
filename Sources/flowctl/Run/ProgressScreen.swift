import Glibc

/// The board at the foot of a terminal, below the messages. Draws at most five times a second.
struct ProgressScreen {
    let isShown: Bool
    var board = ProgressBoard()
    private var painted = 0
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
        var text = painted > 0 ? "\u{1B}[\(painted)A\u{1B}[J" : ""
        text += lines.map { $0 + "\n" }.joined()
        if !text.isEmpty { Output.write(text, to: STDERR_FILENO) }
        painted = lines.count
    }

    private mutating func erase() {
        guard isShown, painted > 0 else { return }
        Output.write("\u{1B}[\(painted)A\u{1B}[J", to: STDERR_FILENO)
        painted = 0
    }

    private static func size() -> (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20, size.ws_row > 1 else {
            return (24, 80)
        }
        return (Int(size.ws_row), Int(size.ws_col))
    }
}

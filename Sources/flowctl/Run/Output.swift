import Diagnostics
import Glibc

/// Whole lines to standard output and standard error, from any thread. A reader that has gone away ends the process quietly.
enum Output {
    static let isTerminal = isatty(STDERR_FILENO) == 1

    /// Whether that terminal can take the cursor back.
    static let isScreen = isTerminal && getenv("TERM").map { String(cString: $0) } != "dumb"
    static let hasColour = hasColour(STDERR_FILENO)

    /// Whether what is written there may be coloured.
    static func hasColour(_ descriptor: Int32) -> Bool {
        HumanRenderer.usesColour(
            isTerminal: isatty(descriptor) == 1, noColor: getenv("NO_COLOR").map { String(cString: $0) })
    }

    static func line(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }

    static func log(_ text: String) {
        write(text + "\n", to: STDERR_FILENO)
    }

    static func write(_ text: String, to descriptor: Int32) {
        var bytes = ContiguousArray(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                if errno == EPIPE, descriptor == STDOUT_FILENO { _exit(0) }
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }
}

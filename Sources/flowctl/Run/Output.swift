import Diagnostics
import Glibc

/// Whole lines to standard output and standard error, from any thread.
///
/// Invariant: a command that ends with 0 has written its whole result, or its reader has gone away, which ends the process
/// quietly. Where the system takes no more, as on a full disk, the process ends at once with a message and a code of its own.
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
                if errno == EINTR { continue }
                if errno == EAGAIN {
                    var place = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&place, 1, 1000)
                    continue
                }
                if descriptor == STDOUT_FILENO { end(errno) }
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Ends the process because standard output takes no more.
    private static func end(_ code: Int32) -> Never {
        if code == EPIPE { _exit(0) }
        log("flowctl: standard output can't be written: \(String(cString: strerror(code)))")
        _exit(ExitStatus.unavailable.rawValue)
    }
}

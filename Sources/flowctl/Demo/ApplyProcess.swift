import Glibc
import JSON
import Postgres

/// `flowctl apply` of this same program as a process of its own, so that it can be killed like one; its events are read line
/// by line. Belongs to one thread.
final class ApplyProcess {
    private let process: ChildProcess
    private var pending: [UInt8] = []

    /// Starts it. What it writes to standard error is appended to `log`.
    init(catalog: String, log: String) throws {
        process = try ChildProcess(
            "/proc/self/exe", ["apply", "-o", "json", catalog], output: .pipe, errors: .file(log))
    }

    var identifier: Int32 { process.identifier }

    /// What it ended with; nil while it runs.
    var exitCode: Int32? { process.hasEnded() ? process.wait() : nil }

    /// The events that have come, after waiting up to `milliseconds` for the first. A `wakeDescriptor` that becomes readable
    /// ends the wait.
    func events(wait milliseconds: Int, wakeDescriptor: Int32) -> [JSONValue] {
        var descriptors = [
            pollfd(fd: process.output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&descriptors, 2, Int32(truncatingIfNeeded: milliseconds))
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(process.output, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            pending.append(contentsOf: chunk[..<count])
        }
        var found: [JSONValue] = []
        while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            if let event = try? JSONValue(parsing: Array(pending[..<end])) { found.append(event) }
            pending.removeSubrange(...end)
        }
        return found
    }

    /// Sends a signal and waits until it has ended; returns what it ended with.
    @discardableResult
    func end(_ signal: Int32) -> Int32 { process.end(signal) }
}

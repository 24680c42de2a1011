import Glibc

/// One run of `ssh`, with what it says. Belongs to one thread at a time.
///
/// A shell stands between: it starts `ssh`, waits for the end of its own input, which comes at the latest with this process'
/// end, and then kills all of its process group. The key reaches `ssh` as its standard input: a nameless file, which it opens
/// by that name.
final class SSHProcess {
    enum Beginning {
        case forwarding, ended, silent
    }

    /// What it says once it forwards.
    static let forwardingLine = "flowctl-forwards"

    let port: Int
    private(set) var hasEnded = false
    /// Bytes read so far; of these the last ones are kept.
    private(set) var count = 0
    private var kept: [UInt8] = []
    private let process: ChildProcess
    private let key: PrivateFile?

    /// How much of what it says is kept.
    private static let keptLimit = 16 << 10

    private static let guardian = """
        "$@" <&3 3<&- & exec >/dev/null 2>&1 3<&-
        read -r line
        kill -9 -$$
        """

    init(_ command: [String], key: SSHKey?, port: Int, operation: String) throws {
        self.port = port
        let file = try key.map { try PrivateFile($0.text, operation: operation) }
        self.key = file
        let null = file == nil ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1
        defer { if null >= 0 { close(null) } }
        process = try ChildProcess(
            "sh", ["-c", SSHProcess.guardian, "tunnel"] + command,
            environment: ["LC_ALL": "C", "SHELL": "/bin/sh", "SSH_ASKPASS_REQUIRE": "never"], output: .pipe,
            errors: .pipe, pipesInput: true, third: file?.descriptor ?? null)
    }

    /// Kills it and whatever it started; returns once the shell is gone.
    func end() {
        process.closeInput()
        process.wait()
        hasEnded = true
    }

    /// Blocks until it forwards, has ended, or the time is over.
    func awaitForwarding(seconds: Int) -> Beginning {
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .seconds(seconds) {
            var waited = pollfd(fd: process.output, events: Int16(POLLIN), revents: 0)
            _ = poll(&waited, 1, 200)
            read()
            if text(from: 0).split(separator: "\n").contains(where: { $0 == SSHProcess.forwardingLine }) {
                return .forwarding
            }
            if hasEnded { return .ended }
        }
        return .silent
    }

    /// Reads what it has said meanwhile; does not block.
    func read() {
        var piece = [UInt8](repeating: 0, count: 4096)
        while !hasEnded {
            let read = Glibc.read(process.output, &piece, piece.count)
            if read > 0 {
                kept += piece.prefix(read)
                count += read
                if kept.count > SSHProcess.keptLimit { kept.removeFirst(kept.count - SSHProcess.keptLimit) }
            } else if read == 0 {
                hasEnded = true
            } else if errno != EINTR {
                break
            }
        }
    }

    /// What it has said from a place on.
    func text(from place: Int) -> String {
        let bytes = kept.suffix(max(0, count - place))
        return String(decoding: bytes, as: UTF8.self).replacing("\r", with: "")
    }

    /// A port of the loopback address that is free now.
    static func freePort() -> Int? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        return isBound ? Int(in_port_t(bigEndian: address.sin_port)) : nil
    }
}

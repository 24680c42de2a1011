import Foundation
import Postgres

/// A real `sshd` on a free port of the loopback address, that lets this process' user in by a key of its own making and does
/// nothing but forward. Ended with the object.
public final class SSHServer {
    public static let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    public let port: Int
    private let folder: URL
    private var process: ChildProcess?

    /// `options` are lines of its configuration, which count before the others.
    public init(options: [String] = []) throws {
        port = try LocalServer.freePort()
        // In a folder of root's that nobody else may write to: sshd looks at it.
        folder = TestFolder.place("sshd")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        for key in ["host", "user", "stranger"] { try makeKey(key) }
        try text("user.pub").write(toFile: path("authorized"), atomically: true, encoding: .utf8)
        let host = try text("host.pub").split(separator: " ").prefix(2).joined(separator: " ")
        try "[127.0.0.1]:\(port) \(host)\n".write(toFile: path("known"), atomically: true, encoding: .utf8)
        let stranger = try text("stranger.pub").split(separator: " ").prefix(2).joined(separator: " ")
        try "[127.0.0.1]:\(port) \(stranger)\n".write(toFile: path("changed"), atomically: true, encoding: .utf8)
        try "".write(toFile: path("none"), atomically: true, encoding: .utf8)
        let lines =
            options + [
                "Port \(port)", "ListenAddress 127.0.0.1", "HostKey \(path("host"))", "PidFile none", "UsePAM no",
                "AuthorizedKeysFile \(path("authorized"))", "StrictModes no", "PermitRootLogin yes",
                "PasswordAuthentication no", "KbdInteractiveAuthentication no", "AllowTcpForwarding yes",
                "ForceCommand /bin/false", "MaxStartups 100", "LogLevel VERBOSE",
            ]
        try (lines.joined(separator: "\n") + "\n").write(toFile: path("config"), atomically: true, encoding: .utf8)
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Files of its folder: `user` (a private key that is let in), `stranger` (one that is not), `known` (its host key),
    /// `changed` (another one of its name), `none` (an empty list), `log`.
    public func path(_ file: String) -> String { folder.appending(path: file).path }

    public func text(_ file: String) throws -> String { try String(contentsOfFile: path(file), encoding: .utf8) }

    /// Whoever runs the tests.
    public static var user: String { getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "root" }

    public var endpoint: String { "ssh://\(Self.user)@127.0.0.1:\(port)" }

    /// A config's property for a tunnel through it, in one line.
    public func property(
        key: String = "user", known: String = "known", endpoint: String? = nil
    ) -> String {
        "networkTunnel: { sshForwarding: { sshEndpoint: '\(endpoint ?? self.endpoint)', "
            + "privateKey: { file: '\(path(key))' }, knownHosts: '\(path(known))' } }"
    }

    public func start() throws {
        if getuid() == 0 {
            try? FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        let log = path("log")
        try "".write(toFile: log, atomically: true, encoding: .utf8)
        let process = try ChildProcess(
            Self.program ?? "/usr/sbin/sshd", ["-D", "-e", "-f", path("config")], output: .file(log),
            errors: .file(log))
        self.process = process
        let isUp = eventually(seconds: 60) {
            process.hasEnded() || ((try? text("log")) ?? "").contains("Server listening on 127.0.0.1 port \(port)")
        }
        guard isUp, !process.hasEnded() else {
            throw PostgresError(operation: "start sshd", message: (try? text("log")) ?? "it has no log")
        }
    }

    /// Ends it and every connection that it holds, where they stand.
    public func stop() {
        guard let process else { return }
        process.signal(SIGSTOP)
        cut()
        process.end(SIGKILL)
        self.process = nil
    }

    /// Kills its connections; new ones are taken. Says how many processes that were.
    @discardableResult
    public func cut() -> Int {
        guard let process else { return 0 }
        let all = SSHServer.below(process.identifier)
        for child in all { kill(child, SIGKILL) }
        return all.count
    }

    private static func below(_ parent: Int32) -> [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        let children = entries.compactMap { Int32($0) }.filter { process in
            guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
                let end = line.lastIndex(of: ")")
            else { return false }
            let fields = line[line.index(after: end)...].split(separator: " ")
            return fields.count > 1 && Int32(fields[1]) == parent
        }
        return children + children.flatMap { below($0) }
    }

    private func makeKey(_ name: String) throws {
        let run = try ChildProcess("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path(name)])
        guard run.wait() == 0 else { throw PostgresError(operation: "ssh-keygen", message: "it failed") }
    }
}

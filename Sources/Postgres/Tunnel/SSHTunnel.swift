import Glibc
import Synchronization

/// A server behind an SSH host, reached through a port of this machine's loopback address that the system's `ssh` forwards.
///
/// The first connection starts it, and one that finds it gone starts it again; connections of all threads share it. It ends
/// with the object, or with this process, whatever ends that. An `ssh` that runs holds its port, so that nobody else answers
/// there in the server's place.
public final class SSHTunnel: Sendable {
    /// The running tunnel as one connection found it.
    struct Way {
        var port: Int
        /// Where its output ended, in bytes since it began to forward.
        fileprivate var seen: Int
        fileprivate var number: Int
    }

    private let endpoint: SSHEndpoint
    private let key: SSHKey?
    private let knownHosts: String?
    private let host: String
    private let port: Int
    private let state = Mutex(State())

    private struct State {
        var process: SSHProcess?
        /// How many have been started.
        var number = 0
    }

    /// Starts nothing. `knownHosts` is a file's path, nil for the user's own; host and port are the server's, as the SSH host
    /// sees it: a socket's folder is one of that host.
    init(through endpoint: SSHEndpoint, key: SSHKey?, knownHosts: String?, host: String, port: Int) {
        self.endpoint = endpoint
        self.key = key
        self.knownHosts = knownHosts
        self.host = host
        self.port = port
    }

    deinit {
        state.withLock { state in
            if let process = state.process { process.end() }
        }
    }

    /// Where a connection is to be made. Blocks while the tunnel is being made.
    func way(operation: String, seconds: Int) throws -> Way {
        try state.withLock { state in
            if let process = state.process {
                process.read()
                if !process.hasEnded { return Way(port: process.port, seen: process.count, number: state.number) }
                process.end()
                state.process = nil
            }
            let process = try start(operation: operation, seconds: seconds)
            state.process = process
            state.number += 1
            return Way(port: process.port, seen: process.count, number: state.number)
        }
    }

    /// Whether the tunnel has ended by now, as a connection found that failed there. Where nobody listens on its port it has,
    /// though its end may not have come to be known.
    func isGone(_ way: Way, _ error: PostgresError) -> Bool {
        state.withLock { state in
            guard let process = state.process, state.number == way.number else { return true }
            process.read()
            guard process.hasEnded || error.message.contains("Connection refused") else { return false }
            process.end()
            state.process = nil
            return true
        }
    }

    /// What `ssh` says against the connection that was made there; nil where it says nothing.
    func complaint(since way: Way, operation: String) -> PostgresError? {
        state.withLock { state in
            guard let process = state.process, state.number == way.number else { return nil }
            process.read()
            let failure = SSHFailure(endpoint: endpoint, knownHosts: knownHosts, server: server, operation: operation)
            if process.hasEnded { return failure.ended(process.text(from: way.seen)) }
            return failure.refused(process.text(from: way.seen))
        }
    }

    /// The server as a message names it.
    private var server: String { host.hasPrefix("/") ? "\(host)/.s.PGSQL.\(port)" : "\(host):\(port)" }

    /// What `ssh` forwards to.
    private var target: String {
        if host.hasPrefix("/") { return server }
        return host.contains(":") ? "[\(host)]:\(port)" : server
    }

    private func start(operation: String, seconds: Int) throws -> SSHProcess {
        let failure = SSHFailure(endpoint: endpoint, knownHosts: knownHosts, server: server, operation: operation)
        var attempts = 0
        while true {
            attempts += 1
            guard let port = SSHProcess.freePort() else {
                throw failure.local("this machine has no free port for the tunnel")
            }
            let process = try SSHProcess(arguments(port: port), key: key, port: port, operation: operation)
            switch process.awaitForwarding(seconds: seconds) {
            case .forwarding: return process
            case .silent:
                process.end()
                throw failure.silent(seconds: seconds)
            case .ended:
                let text = process.text(from: 0)
                process.end()
                // Between the choice of the port and its use somebody else took it.
                if SSHFailure.isPortTaken(text), attempts < 5 { continue }
                throw failure.ended(text)
            }
        }
    }

    /// Options count as they are given first, and before the user's own configuration (manual page ssh_config(5)).
    private func arguments(port: Int) -> [String] {
        var options = [
            "BatchMode=yes", "ExitOnForwardFailure=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no",
            "ConnectTimeout=15", "ServerAliveInterval=10", "ServerAliveCountMax=3", "ControlMaster=no",
            "ControlPath=none", "ForwardAgent=no", "ForwardX11=no", "LogLevel=INFO", "PermitLocalCommand=yes",
            "LocalCommand=echo \(SSHProcess.forwardingLine)",
        ]
        if let knownHosts {
            options += ["UserKnownHostsFile=\"\(knownHosts)\"", "GlobalKnownHostsFile=/dev/null"]
        }
        if key != nil { options += ["IdentitiesOnly=yes", "IdentityFile=/dev/stdin", "IdentityAgent=none"] }
        return ["ssh", "-N", "-T"] + options.flatMap { ["-o", $0] }
            + [
                "-l", endpoint.user, "-p", String(endpoint.port), "-L", "127.0.0.1:\(port):\(target)", "--",
                endpoint.host,
            ]
    }
}

import Glibc

/// A throwaway server of the installed binaries, for tests and the demo: a new cluster in a folder of its own under the
/// temporary directory, on loopback and a Unix socket, with `wal_level = logical`, without fsync. It trusts everybody, or
/// asks everybody for a password.
///
/// Stopped and removed by `remove`, at the latest as the object goes away. A guardian process does the same if this
/// process dies before that, whatever kills it. Belongs to one thread at a time.
public final class LocalServer {
    public let binaries: ServerBinaries
    /// Holds everything: the cluster, its log, the socket.
    public let folder: String
    public let port: Int
    /// The superuser's; nil where everybody is trusted.
    public let password: String?
    private var postmaster: ChildProcess?
    private let guardian: ChildProcess
    private var isRemoved = false

    /// Makes a cluster and starts it. `settings` go into `postgresql.conf` after the ones that every such server has. With a
    /// password, every connection must prove that it knows one (SCRAM).
    public convenience init(
        _ name: String, settings: [(String, String)] = [], password: String? = nil, binaries: ServerBinaries? = nil
    ) throws {
        try self.init(name, binaries: try binaries ?? ServerBinaries.find(), password: password) { server in
            try server.initialize()
            try server.configure(LocalServer.commonSettings + settings)
        }
    }

    /// Makes a server out of the base backup of one that runs (manual, pg_basebackup) and starts it: the cluster as it was
    /// then, without its slots, and on the same timeline; or with `isStandby` a hot standby that streams from it.
    public convenience init(
        _ name: String, copyOf original: LocalServer, isStandby: Bool, settings: [(String, String)] = []
    ) throws {
        try self.init(name, binaries: original.binaries, password: original.password) { server in
            try server.copy(original)
            guard isStandby else { return try server.configure(settings) }
            let secret = original.password.map { " password=\($0)" } ?? ""
            let primary =
                "host=127.0.0.1 port=\(original.port) user=\(LocalServer.superuser)\(secret) dbname=postgres "
                + "application_name=standby"
            try server.configure([("primary_conninfo", primary)] + settings)
            try server.write("", to: "\(server.data)/standby.signal")
        }
    }

    private init(
        _ name: String, binaries: ServerBinaries, password: String?, make: (LocalServer) throws -> Void
    ) throws {
        self.binaries = binaries
        self.password = password
        folder = try LocalServer.makeFolder(name)
        port = try LocalServer.freePort()
        do {
            guardian = try LocalServer.guardian(of: folder)
        } catch {
            rmdir(folder)
            throw error
        }
        do {
            try make(self)
            try start()
        } catch {
            remove()
            throw error
        }
    }

    deinit {
        remove()
    }

    // MARK: - Use

    /// How to connect, over loopback, as the cluster's superuser unless another user is named.
    public func parameters(database: String = "postgres", user: String = LocalServer.superuser) -> ConnectionParameters
    {
        let password = user == LocalServer.superuser ? password : nil
        return ConnectionParameters(
            host: "127.0.0.1", port: port, database: database, user: user, password: password)
    }

    public func connect(database: String = "postgres") throws -> Connection {
        try Connection(parameters(database: database))
    }

    public static let superuser = "postgres"

    /// The cluster's own log, for a message after a failure.
    public var log: String { "\(folder)/log" }

    private var data: String { "\(folder)/data" }

    /// Its main process; nil while it is stopped.
    public var process: Int32? { postmaster?.hasEnded() == false ? postmaster?.identifier : nil }

    /// Starts it, after a stop or a crash, and waits until it takes connections. `settings` hold until it is stopped, and
    /// come before those it was made with.
    public func start(settings: [(String, String)] = []) throws {
        let own = [("port", String(port)), ("unix_socket_directories", folder)]
        let arguments = ["-D", data] + (own + settings).flatMap { ["-c", "\($0.0)=\($0.1)"] }
        let process = try run("postgres", arguments)
        postmaster = process
        let deadline = time(nil) + 120
        while true {
            if process.hasEnded() { throw failure("start", "it ended at once; the end of its log: \(logTail())") }
            do {
                try connect().close()
                return
            } catch  where time(nil) < deadline {
                var pause = timespec(tv_sec: 0, tv_nsec: 20_000_000)
                nanosleep(&pause, nil)
            }
        }
    }

    /// How a stop treats those who are connected (manual, "Shutting Down the Server").
    public enum StopMode: Sendable {
        /// Connections are ended, a last checkpoint is written.
        case fast
        /// Everything ends where it stands: the next start recovers.
        case immediate
    }

    /// Stops it, if it runs.
    public func stop(_ mode: StopMode = .fast) {
        postmaster?.end(mode == .fast ? SIGINT : SIGQUIT)
        postmaster = nil
    }

    /// Stops it in an orderly way, and starts it on the same port.
    public func restart(settings: [(String, String)] = []) throws {
        stop()
        try start(settings: settings)
    }

    /// Kills all of it as a machine's crash would; returns once none of its processes is left, so that the next start
    /// finds its shared memory free.
    public func crash() {
        guard let process else { return }
        // It must not start another one meanwhile.
        postmaster?.signal(SIGSTOP)
        ProcessTable.awaitStop(of: process)
        let children = ProcessTable.children(of: process)
        postmaster?.signal(SIGKILL)
        for child in children { kill(child, SIGKILL) }
        postmaster?.wait()
        postmaster = nil
        ProcessTable.awaitEnd(of: children)
    }

    /// Stops it and removes its folder. Safe to call more than once.
    public func remove() {
        guard !isRemoved else { return }
        isRemoved = true
        postmaster?.end(SIGQUIT)
        postmaster = nil
        if let process = try? ChildProcess("rm", ["-rf", folder]) { process.wait() }
        guardian.write("done\n")
        guardian.closeInput()
        guardian.wait()
    }

    // MARK: - Making

    private func initialize() throws {
        var arguments = ["-D", data, "-U", LocalServer.superuser, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        let secret = "\(folder)/password"
        if let password {
            try writePassword(password, to: secret)
            arguments += ["-A", "scram-sha-256", "--pwfile", secret]
        } else {
            arguments += ["-A", "trust"]
        }
        defer { unlink(secret) }
        guard try run("initdb", arguments).wait() == 0 else { throw failure("initdb", logTail()) }
    }

    private static let commonSettings = [
        ("listen_addresses", "127.0.0.1"), ("wal_level", "logical"), ("max_replication_slots", "20"),
        ("max_wal_senders", "20"), ("max_connections", "100"), ("shared_buffers", "64MB"), ("fsync", "off"),
    ]

    private func copy(_ original: LocalServer) throws {
        var arguments = ["-D", data, "-c", "fast", "-X", "stream", "--no-sync"]
        arguments += ["-h", "127.0.0.1", "-p", String(original.port), "-U", LocalServer.superuser]
        let secret = password.map { ["PGPASSWORD": $0] } ?? [:]
        guard try run("pg_basebackup", arguments, environment: secret).wait() == 0 else {
            throw failure("copy", logTail())
        }
    }

    private func configure(_ settings: [(String, String)]) throws {
        let lines = settings.map { "\($0.0) = \(SQL.literal($0.1))" }
        try write("\n" + lines.joined(separator: "\n") + "\n", to: "\(data)/postgresql.conf")
    }

    /// Appends to a file of the cluster, which is made where it is not there.
    private func write(_ text: String, to file: String) throws {
        let descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("configure", String(cString: strerror(errno))) }
        defer { close(descriptor) }
        guard text.withCString({ Glibc.write(descriptor, $0, strlen($0)) }) == text.utf8.count else {
            throw failure("configure", String(cString: strerror(errno)))
        }
        if getuid() == 0, let user = getpwnam("postgres") {
            fchown(descriptor, user.pointee.pw_uid, user.pointee.pw_gid)
        }
    }

    private func writePassword(_ password: String, to path: String) throws {
        guard access(path, F_OK) != 0 else { throw failure("set the password of", "\(path) exists") }
        try write(password + "\n", to: path)
    }

    /// The server refuses to run as root: there it runs as the user `postgres`, whom its package made. It starts in the root
    /// folder, since its programs fail in one that this user can't enter.
    private func run(
        _ name: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> ChildProcess {
        let program = binaries.program(name)
        let environment = binaries.environment.merging(environment) { $1 }
        guard getuid() == 0 else {
            return try ChildProcess(
                program, arguments, environment: environment, folder: "/", output: .file(log), errors: .file(log))
        }
        let prefix = ["--reuid=postgres", "--regid=postgres", "--init-groups", program]
        return try ChildProcess(
            "setpriv", prefix + arguments, environment: environment, folder: "/", output: .file(log), errors: .file(log)
        )
    }

    private static func makeFolder(_ name: String) throws -> String {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/flowctl-\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw PostgresError(
                operation: "make a folder in \(parent)", message: String(cString: strerror(errno)))
        }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard getuid() == 0 else { return folder }
        guard let user = getpwnam("postgres"), chown(folder, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
            rmdir(folder)
            throw PostgresError(
                operation: "prepare a server",
                message: "it refuses to run as root, and there is no user postgres to run it as")
        }
        return folder
    }

    /// A port that nobody listens on now, below those that the kernel hands to clients: it stays free while the server is
    /// down. `FLOWCTL_PORTS` (`20000-23999`) says where to look: programs that run side by side keep off each other's ports then,
    /// also off those of servers that are down for a moment.
    public static func freePort() throws -> Int {
        let bounds =
            getenv("FLOWCTL_PORTS").map { String(cString: $0).split(separator: "-").compactMap { Int($0) } } ?? []
        let ports =
            bounds.count == 2 && 1024 <= bounds[0] && bounds[0] <= bounds[1] ? bounds[0]...bounds[1] : 20_000...31_999
        for _ in 0..<100 {
            let port = Int.random(in: ports)
            if ProcessTable.isFree(port: port) { return port }
        }
        throw PostgresError(
            operation: "find a free port",
            message: "a hundred between \(ports.lowerBound) and \(ports.upperBound) are taken")
    }

    /// A shell that waits for a line or for the end of its input. The end without a line means that this process is gone.
    private static func guardian(of folder: String) throws -> ChildProcess {
        let script = """
            read -r line && exit 0
            pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
            [ -z "$pid" ] || kill -QUIT "$pid" 2>/dev/null
            while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
            rm -rf "$1"
            """
        return try ChildProcess("sh", ["-c", script, "guardian", folder], pipesInput: true)
    }

    private func failure(_ operation: String, _ message: String) -> PostgresError {
        PostgresError(operation: "\(operation) a server in \(folder)", message: message)
    }

    private func logTail() -> String {
        let descriptor = open(log, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "it has none" }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        _ = lseek(descriptor, max(0, size - 800), SEEK_SET)
        var bytes = [UInt8](repeating: 0, count: 800)
        let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}

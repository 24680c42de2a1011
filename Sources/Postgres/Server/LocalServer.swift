import Glibc

/// A throwaway server of the installed binaries, for tests and the demo: a new cluster in a folder of its own under the
/// temporary directory, on loopback and a Unix socket, with `wal_level = logical`, trusting everybody, without fsync.
///
/// Stopped and removed by `remove`, at the latest as the object goes away. A guardian process does the same if this
/// process dies before that, whatever kills it. Belongs to one thread at a time.
public final class LocalServer {
    public let binaries: ServerBinaries
    /// Holds everything: the cluster, its log, the socket.
    public let folder: String
    public let port: Int
    private var postmaster: ChildProcess?
    private let guardian: ChildProcess
    private var isRemoved = false

    /// Makes a cluster and starts it. `settings` go into `postgresql.conf` after the ones that every such server has.
    public init(_ name: String, settings: [(String, String)] = [], binaries: ServerBinaries? = nil) throws {
        let binaries = try binaries ?? ServerBinaries.find()
        self.binaries = binaries
        folder = try LocalServer.makeFolder(name)
        port = try LocalServer.freePort()
        do {
            guardian = try LocalServer.guardian(of: folder)
        } catch {
            rmdir(folder)
            throw error
        }
        do {
            try initialize(settings)
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
        ConnectionParameters(host: "127.0.0.1", port: port, database: database, user: user)
    }

    public func connect(database: String = "postgres") throws -> Connection {
        try Connection(parameters(database: database))
    }

    public static let superuser = "postgres"

    /// The cluster's own log, for a message after a failure.
    public var log: String { "\(folder)/log" }

    private var data: String { "\(folder)/data" }

    /// Starts it, after a stop or a kill, and waits until it takes connections.
    public func start() throws {
        let arguments = [
            "-D", data, "-c", "port=\(port)", "-c", "unix_socket_directories=\(folder)",
        ]
        let process = try LocalServer.asServer(
            binaries.program("postgres"), arguments, output: .file(log), errors: .file(log))
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

    /// Stops it: connections are ended, a last checkpoint is written.
    public func stop() {
        postmaster?.end(SIGINT)
        postmaster = nil
    }

    /// Kills the postmaster as a crash would; its children notice and end.
    public func crash() {
        postmaster?.end(SIGKILL)
        postmaster = nil
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

    private func initialize(_ settings: [(String, String)]) throws {
        let initdb = try LocalServer.asServer(
            binaries.program("initdb"),
            ["-D", data, "-U", LocalServer.superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            output: .file(log), errors: .file(log))
        guard initdb.wait() == 0 else { throw failure("initdb", logTail()) }
        let common = [
            ("listen_addresses", "127.0.0.1"), ("wal_level", "logical"), ("max_replication_slots", "20"),
            ("max_wal_senders", "20"), ("max_connections", "100"), ("shared_buffers", "64MB"), ("fsync", "off"),
        ]
        let lines = (common + settings).map { "\($0.0) = \(SQL.literal($0.1))" }
        let file = "\(data)/postgresql.conf"
        let descriptor = open(file, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("configure", String(cString: strerror(errno))) }
        defer { close(descriptor) }
        let text = "\n" + lines.joined(separator: "\n") + "\n"
        guard text.withCString({ write(descriptor, $0, strlen($0)) }) == text.utf8.count else {
            throw failure("configure", String(cString: strerror(errno)))
        }
    }

    /// The server refuses to run as root: there it runs as the user `postgres`, whom its package made.
    private static func asServer(
        _ program: String, _ arguments: [String], output: ChildProcess.Output, errors: ChildProcess.Output
    ) throws -> ChildProcess {
        guard getuid() == 0 else { return try ChildProcess(program, arguments, output: output, errors: errors) }
        let prefix = ["--reuid=postgres", "--regid=postgres", "--init-groups", program]
        return try ChildProcess("setpriv", prefix + arguments, output: output, errors: errors)
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

    /// Asks the system for a port that nobody listens on now.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else {
            throw PostgresError(operation: "find a free port", message: String(cString: strerror(errno)))
        }
        return Int(UInt16(bigEndian: address.sin_port))
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

import Foundation
import Postgres

/// A real PgBouncer before a server, on a port of its own; ended as the object goes away.
public final class Pooler {
    public static let program = [
        ProcessInfo.processInfo.environment["PGBOUNCER"], "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer",
    ]
    .compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }

    public let port: Int
    private let process: ChildProcess
    private let folder: URL

    /// The password is what it logs in with at the server, where that asks for one. `mode` is PgBouncer's pool_mode: `session`, `transaction`, `statement`.
    public init(
        before server: ConnectionParameters, users: [String], mode: String = "transaction", password: String = "x"
    ) throws {
        port = try LocalServer.freePort()
        folder = TestFolder.place("pooler")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let list = folder.appending(path: "users").path
        try users.map { "\"\($0)\" \"\(password)\"\n" }.joined().write(toFile: list, atomically: true, encoding: .utf8)
        let config = folder.appending(path: "pgbouncer.ini").path
        try """
        [databases]
        * = host=127.0.0.1 port=\(server.port)
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = \(port)
        unix_socket_dir =
        auth_type = trust
        auth_file = \(list)
        pool_mode = \(mode)
        """.write(toFile: config, atomically: true, encoding: .utf8)
        for path in [folder.path, list, config] {
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        let drop = getuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : []
        let command = drop + [Self.program ?? "pgbouncer", config]
        process = try ChildProcess(
            command[0], Array(command.dropFirst()), folder: "/", output: .file(folder.path + "/log"),
            errors: .file(folder.path + "/log"))
        var through = server
        through.port = port
        guard eventually(seconds: 60, { (try? Connection(through)) != nil }) else {
            throw PostgresError(operation: "start pgbouncer", message: "it takes no connections")
        }
    }

    deinit {
        process.end(SIGKILL)
        try? FileManager.default.removeItem(at: folder)
    }
}

import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

/// A PgBouncer in transaction mode before a server, on a port of its own; ended as the object goes away.
private final class Pooler {
    static let program = [
        ProcessInfo.processInfo.environment["PGBOUNCER"], "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer",
    ]
    .compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }

    let port: Int
    private let process: ChildProcess
    private let folder: URL

    init(before server: ConnectionParameters, users: [String]) throws {
        port = try LocalServer.freePort()
        folder = FileManager.default.temporaryDirectory.appending(path: "pooler-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let list = folder.appending(path: "users").path
        try users.map { "\"\($0)\" \"x\"\n" }.joined().write(toFile: list, atomically: true, encoding: .utf8)
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
        pool_mode = transaction
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
        #expect(eventually(seconds: 20) { (try? Connection(through)) != nil })
    }

    deinit {
        process.end(SIGKILL)
        try? FileManager.default.removeItem(at: folder)
    }
}

@Suite("flowctl check through a pooler", .enabled(if: Program.executable != nil && Pooler.program != nil))
struct PoolerTests {
    @Test("a real PgBouncer is told from a server, and from a missing right")
    func pgbouncer() throws {
        let (source, target) = try TestServers.freshDatabases("pooled")
        let reader = "reader_\(source.database)"
        try Connection(source).execute(
            """
            CREATE ROLE \(id: reader) LOGIN REPLICATION; CREATE TABLE public.orders (id int PRIMARY KEY);
            GRANT SELECT ON public.orders TO \(id: reader); CREATE PUBLICATION flow_publication FOR TABLE public.orders
            """)
        let pooler = try Pooler(before: source, users: [source.user, reader])
        let behind = try Pooler(before: target, users: [target.user])
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "flow.yaml",
            """
            captures:
              a/s:
                endpoint: { connector: { image: source-postgres, config: { address: "127.0.0.1:\(pooler.port)", database: \(source.database), user: \(reader), password: x } } }
                bindings: [{ resource: { namespace: public, stream: orders }, target: a/orders }]
            collections: { a/orders: { key: [/id] } }
            materializations:
              a/t:
                endpoint: { connector: { image: materialize-postgres, config: { address: "127.0.0.1:\(behind.port)", database: \(target.database), user: postgres, password: x } } }
                bindings: [{ source: a/orders, resource: { table: orders } }]
            """)
        let run = try program.run(["check", "flow.yaml"])
        #expect(run.status == 69)
        #expect(run.output.contains("it is a connection pooler's, and the log is read from the database server itself"))
        #expect(!run.output.contains("may not read the log"))
        #expect(run.output.contains("a connection pooler stands between"), "\(run.output)")
    }
}

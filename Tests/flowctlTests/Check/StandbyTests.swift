import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

/// A hot standby of a server, made by pg_basebackup; ended as the object goes away.
private final class Standby {
    let port: Int
    private let process: ChildProcess
    private let folder: URL

    init(of primary: LocalServer) throws {
        port = try LocalServer.freePort()
        folder = URL(filePath: primary.folder).appending(path: "standby")
        let drop = getuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : []
        func start(_ program: String, _ arguments: [String]) throws -> ChildProcess {
            let command = drop + [primary.binaries.program(program)] + arguments
            let log = ChildProcess.Output.file(primary.folder + "/standby.log")
            return try ChildProcess(command[0], Array(command.dropFirst()), folder: "/", output: log, errors: log)
        }
        let copy = try start(
            "pg_basebackup",
            ["-D", folder.path, "-R", "-c", "fast", "-h", "127.0.0.1", "-p", String(primary.port), "-U", "postgres"])
        #expect(copy.wait() == 0)
        process = try start(
            "postgres",
            ["-D", folder.path, "-p", String(port), "-k", primary.folder, "-c", "listen_addresses=127.0.0.1"])
        var parameters = primary.parameters()
        parameters.port = port
        let reached = parameters
        #expect(eventually(seconds: 60) { (try? Connection(reached)) != nil })
    }

    deinit { process.end(SIGQUIT) }
}

@Suite("flowctl check on a standby", .enabled(if: Program.executable != nil))
struct StandbyTests {
    @Test("a real standby is told what it can't be: a destination, and before 16 a source")
    func standby() throws {
        let primary = try LocalServer("check-primary")
        try primary.connect().execute("CREATE TABLE public.orders (id int PRIMARY KEY)")
        let standby = try Standby(of: primary)
        let program = try Program()
        defer { program.remove() }
        let config = #"address: "127.0.0.1:\#(standby.port)", user: postgres, password: x"#
        try program.write(
            "flow.yaml",
            """
            captures:
              a/s:
                endpoint: { connector: { image: source-postgres, config: { \(config) } } }
                bindings: [{ resource: { namespace: public, stream: orders }, target: a/orders }]
            collections: { a/orders: { key: [/id] } }
            materializations:
              a/t:
                endpoint: { connector: { image: materialize-postgres, config: { \(config) } } }
                bindings: [{ source: a/orders, resource: { table: copy } }]
            """)
        let run = try program.run(["check", "flow.yaml"])
        #expect(run.status == 69)
        let version = try primary.connect().serverVersion
        #expect(
            run.output.contains(
                version < 160_000
                    ? "it is a standby, and standbys can be read from version 16 on"
                    : "it is a standby, which takes no writes\n          do: set advanced.read_only_capture"))
        #expect(run.output.contains(#"publication "flow_publication": there is none, and the role may not make it"#))
        #expect(run.output.contains("server: it is a standby, which takes no writes"))
    }
}

import Foundation
import Postgres
import Testing

@Suite("throwaway servers")
struct LocalServerTests {
    @Test("a server is ready for logical replication, keeps its data over a crash, and leaves nothing behind")
    func lifeOfAServer() throws {
        let server = try LocalServer("life", settings: [("work_mem", "3MB")])
        #expect(FileManager.default.fileExists(atPath: server.folder))
        do {
            let connection = try server.connect()
            #expect(try connection.query("SHOW wal_level")[0, 0] == "logical")
            #expect(try connection.query("SHOW work_mem")[0, 0] == "3MB")
            try connection.execute("CREATE TABLE public.kept AS SELECT 7 AS n")
        }
        server.crash()
        #expect(throws: PostgresError.self) { try server.connect() }
        try server.start()
        #expect(try server.connect().query("SELECT n FROM public.kept")[0, 0] == "7")
        server.stop()
        try server.start()
        #expect(try server.connect().query("SELECT n FROM public.kept")[0, 0] == "7")
        server.remove()
        #expect(!FileManager.default.fileExists(atPath: server.folder))
        #expect(throws: PostgresError.self) { try server.connect() }
    }

    @Test("a crash leaves none of its processes, and a restart takes settings of its own")
    func crashAndRestart() throws {
        let server = try LocalServer("crash")
        let port = server.port
        let open = try server.connect()
        let backend = open.backendPID
        server.crash()
        #expect(server.process == nil)
        let status = try? String(contentsOfFile: "/proc/\(backend)/stat", encoding: .utf8)
        // One that has ended may stay until somebody asks how.
        #expect(status?.contains(") Z ") ?? true)
        #expect(throws: PostgresError.self) { try open.query("SELECT 1") }
        try server.start(settings: [("work_mem", "5MB")])
        #expect(try server.connect().query("SHOW work_mem")[0, 0] == "5MB")
        try server.restart()
        #expect(try server.connect().query("SHOW work_mem")[0, 0] == "4MB")
        #expect(server.port == port)
        var bySocket = server.parameters()
        bySocket.host = server.folder
        #expect(try Connection(bySocket).query("SELECT 1")[0, 0] == "1")
        server.stop(.immediate)
        #expect(server.process == nil)
    }

    @Test("a server with a password refuses those who don't give it")
    func password() throws {
        let server = try LocalServer("password", password: "s3 'cret")
        #expect(
            try server.connect().query("SELECT rolpassword LIKE 'SCRAM%' FROM pg_authid WHERE rolcanlogin")[0, 0] == "t"
        )
        var without = server.parameters()
        without.password = nil
        let error = #expect(throws: PostgresError.self) { try Connection(without) }
        #expect(error?.kind == .authentication)
        #expect(!FileManager.default.fileExists(atPath: "\(server.folder)/password"))
    }

    @Test("a setting that the server refuses is reported with its log, and leaves nothing behind")
    func refusedSetting() throws {
        let before = try leftovers()
        let error = #expect(throws: PostgresError.self) {
            try LocalServer("refused", settings: [("wal_level", "nonsense")])
        }
        #expect(error?.message.contains("nonsense") == true)
        #expect(try leftovers() == before)
    }

    @Test("a folder without a server is named as such")
    func missingBinaries() throws {
        #expect(throws: PostgresError.self) {
            try LocalServer("missing", binaries: ServerBinaries(folder: "/nowhere"))
        }
    }

    private func leftovers() throws -> [String] {
        let folder = FileManager.default.temporaryDirectory.path
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("flowctl-refused-") }
    }
}

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

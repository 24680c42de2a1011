import Foundation
import Postgres
import TestSupport
import Testing

@Suite("what tests stand on") struct TestSupportTests {
    @Test("a comparison names what is missing, extra and different, down to how often a row is there")
    func comparison() throws {
        let pair = try TestServers.freshDatabases("comparison")
        let (here, there) = (try Connection(pair.source), try Connection(pair.destination))
        for connection in [here, there] { try connection.execute("CREATE TABLE public.t (id int, v text)") }
        try here.execute("INSERT INTO public.t VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, 'd'), (4, 'd')")
        try there.execute("INSERT INTO public.t VALUES (1, 'a'), (3, ''), (4, 'd'), (5, 'e')")
        let source = TableAt(pair.source, "public", "t")
        let destination = TableAt(pair.destination, "public", "t")
        let found = try tableDifference(source, destination, columns: ["id", "v"], key: ["id"])
        #expect(found.missing == ["(2)"])
        #expect(found.extra == ["(5)"])
        #expect(found.different == ["(3)", "(4)"])
        #expect(found.rows == 5)
        try here.execute("TRUNCATE public.t")
        try there.execute("TRUNCATE public.t")
        #expect(try tableDifference(source, destination, columns: ["id", "v"], key: ["id"]).isEmpty)
    }

    @Test("slots are dropped although somebody streams from them")
    func slots() throws {
        let database = try TestServer.source.database("slots")
        let admin = try Connection(database)
        for name in ["idle", "busy"] {
            _ = try admin.query(
                "SELECT pg_create_logical_replication_slot(\(literal: database.database + name), 'test_decoding')")
        }
        let stream = try Connection(replicationConnectionTo: database)
        try stream.startReplication(slot: database.database + "busy", at: LSN(0), options: [])
        try TestServers.dropSlots(of: database)
        let left = try admin.query(
            "SELECT count(*) FROM pg_replication_slots WHERE database = \(literal: database.database)")
        #expect(left[0, 0] == "0")
        try TestServers.drop(database)
        #expect(throws: PostgresError.self) { try Connection(database) }
    }

    @Test(
        "the built flowctl runs, and its outputs and exit code are had",
        .enabled(if: FileManager.default.isExecutableFile(atPath: FlowctlProcess.executable.path)))
    func flowctl() throws {
        let help = try FlowctlProcess.run(["--help"])
        #expect(help.exitCode == 0)
        #expect(help.output.contains("flowctl"))
        let refused = try FlowctlProcess.run(["--no-such-option"])
        #expect(refused.exitCode != 0)
        #expect(!refused.errors.isEmpty)
    }
}

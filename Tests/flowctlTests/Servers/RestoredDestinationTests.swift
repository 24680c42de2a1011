import Foundation
import Postgres
import TestSupport
import Testing

/// The destination's database is dropped and made anew from an older dump of it: checkpoints and rows are older together.
@Suite("a destination restored from an older dump")
struct RestoredDestinationTests {
    private static let tables = [
        PipelineFolder.Table(schema: "public", name: "orders", key: ["id"]),
        PipelineFolder.Table(schema: "public", name: "orders", key: ["id"], isDelta: true, destination: "log"),
        PipelineFolder.Table(schema: "public", name: "words", key: ["word"]),
    ]
    private static let pairs = [("public.orders", "public.orders"), ("public.words", "public.words")]

    private static let binaries = try? ServerBinaries.find()
    private static func has(_ name: String) -> Bool {
        binaries.map { FileManager.default.isExecutableFile(atPath: $0.program(name)) } ?? false
    }

    private static func run(_ name: String, _ database: ConnectionParameters, _ arguments: String...) throws {
        let binaries = try #require(binaries)
        let process = Process()
        process.executableURL = URL(filePath: binaries.program(name))
        process.environment = ProcessInfo.processInfo.environment.merging(binaries.environment) { $1 }
        process.arguments =
            ["-h", database.host, "-p", "\(database.port)", "-U", database.user, "-d", database.database] + arguments
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    private static func restore(_ dump: String, _ database: ConnectionParameters) throws {
        var other = database
        other.database = "postgres"
        let admin = try Connection(other)
        try admin.execute("DROP DATABASE \(id: database.database) WITH (FORCE)")
        try admin.execute("CREATE DATABASE \(id: database.database)")
        try run("pg_restore", database, "--exit-on-error", dump)
    }

    @Test(
        "it goes on where the slot still has the log, each change once; where it hasn't, it is refused with what mends it",
        .enabled(if: has("pg_dump") && has("pg_restore")))
    func restored() throws {
        let (at, to) = try TestServers.freshDatabases("restored")
        let source = try Connection(at)
        try source.execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, note text); CREATE TABLE public.words (word text PRIMARY KEY);
            INSERT INTO public.orders SELECT i, 'n' || i FROM generate_series(1, 50) i; INSERT INTO public.words VALUES ('a')
            """)
        let slot = at.database
        let pipeline = try PipelineFolder(at, to, slot: slot)
        #expect(try pipeline.apply(Self.tables).exitCode == 0)
        let dump = pipeline.folder.appending(path: "older.dump").path
        try Self.run("pg_dump", to, "-Fc", "-f", dump)
        try source.execute(
            "SELECT pg_copy_logical_replication_slot(\(literal: slot), \(literal: slot + "_old"))")
        try source.execute(
            """
            INSERT INTO public.orders VALUES (100, 'later'); UPDATE public.orders SET note = 'new' WHERE id <= 10;
            DELETE FROM public.orders WHERE id = 50; UPDATE public.words SET word = 'b'
            """)
        #expect(try pipeline.apply(Self.tables).exitCode == 0)

        // The slot is further by now: what lies between the dump and it is gone from the log.
        try Self.restore(dump, to)
        let refused = try pipeline.apply(Self.tables)
        #expect(refused.exitCode == 69 && refused.errors.contains("after the checkpoint"), "\(refused.errors)")
        #expect(refused.errors.contains("the destination was restored from an older backup"), "\(refused.errors)")
        #expect(refused.errors.contains("remove the link's rows from flow.checkpoints and flow.bindings"))
        #expect(try Connection(to).query("SELECT count(*) FROM public.orders WHERE note = 'new'")[0, 0] == "0")

        // One that stands where the dump does shows all of it again.
        try source.execute(
            """
            SELECT pg_drop_replication_slot(\(literal: slot));
            SELECT pg_copy_logical_replication_slot(\(literal: slot + "_old"), \(literal: slot));
            SELECT pg_drop_replication_slot(\(literal: slot + "_old"))
            """)
        let goneOn = try pipeline.apply(Self.tables)
        #expect(goneOn.exitCode == 0, "\(goneOn.errors)")
        #expect(try pipeline.differences(Self.pairs).isEmpty)
        let there = try Connection(to)
        let changes = try there.query(
            """
            SELECT string_agg(op || n, ',' ORDER BY op)
              FROM (SELECT "_meta/op" AS op, count(*) AS n FROM public.log GROUP BY 1) AS o
            """)
        #expect(changes[0, 0] == "c1,d1,r50,u10")
        there.close()
        let verified = try FlowctlProcess.run(["verify", pipeline.write(Self.tables)])
        #expect(verified.exitCode == 0, "\(verified.output)\(verified.errors)")

        // Once more, by what the refusal says.
        try source.execute("INSERT INTO public.orders VALUES (101, 'last')")
        #expect(try pipeline.apply(Self.tables).exitCode == 0)
        try Self.restore(dump, to)
        #expect(try pipeline.apply(Self.tables).exitCode == 69)
        let refusal = try pipeline.apply(Self.tables).errors.replacing("\\\"", with: "\"")
        let from = try #require(refusal.firstRange(of: "at the destination, ")?.upperBound)
        let end = try #require(refusal[from...].firstRange(of: "\"public\".\"words\";")?.upperBound)
        try Connection(to).execute("\(raw: String(refusal[from..<end]))")
        #expect(try Connection(to).query("SELECT count(*) FROM public.orders")[0, 0] == "0")
        let anew = try pipeline.apply(Self.tables)
        #expect(anew.exitCode == 0, "\(anew.errors)")
        #expect(try pipeline.differences(Self.pairs).isEmpty)
        #expect(try Connection(to).query("SELECT count(*) FROM public.log")[0, 0] == "51")
    }
}

import Foundation
import Postgres
import TestSupport
import Testing

@Suite("flowctl delete", .enabled(if: Program.executable != nil))
struct DeleteTests {
    private typealias Table = PipelineFolder.Table

    /// A catalog of one table, whose tasks no other catalog has.
    private final class OneTable {
        let folder: PipelineFolder
        let slot: String
        let table: String

        init(_ source: ConnectionParameters, _ destination: ConnectionParameters, _ table: String) throws {
            self.table = table
            slot = "\(source.database)_\(table)"
            folder = try PipelineFolder(
                source, destination, slot: slot, advanced: ["publicationName": "published_\(table)"])
            try Connection(source).execute(
                "CREATE TABLE public.\(id: table) (id int PRIMARY KEY); INSERT INTO public.\(id: table) VALUES (1)")
        }

        func file() throws -> String {
            let file = try folder.write([Table(schema: "public", name: table, key: ["id"])])
            let text = try String(contentsOfFile: file, encoding: .utf8).replacing("fidelity", with: "of_\(table)")
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            return file
        }

        func run(_ arguments: String...) throws -> FlowctlProcess.Outcome {
            try FlowctlProcess.run(arguments + [try file()], seconds: 60)
        }
    }

    @Test(
        "what one catalog made goes and another's stays; nothing goes unasked or under a runner; what was interrupted goes on, and the last takes the schema along"
    )
    func twoCatalogs() throws {
        let (source, destination) = try (LoggedServer.database("del_s"), LoggedServer.database("del_d"))
        let (one, two) = try (OneTable(source, destination, "a"), OneTable(source, destination, "b"))
        let (admin, there) = try (Connection(source), Connection(destination))
        #expect(try one.run("delete").output.contains("nothing to remove"))
        for catalog in [one, two] {
            let outcome = try catalog.run("apply", "--once")
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
        }
        func slots() throws -> Int {
            try admin.query("SELECT FROM pg_replication_slots WHERE database = current_database()").count
        }

        let before = try (LoggedServer.fingerprint(source), LoggedServer.fingerprint(destination))
        let shown = try one.run("delete")
        #expect(shown.exitCode == 64)
        #expect(shown.output.contains("pg_drop_replication_slot('\(one.slot)')"), "\(shown.output)")
        #expect(shown.output.contains(#"keeps table "public"."a""#) && shown.errors.contains("--yes"))
        #expect(try LoggedServer.fingerprint(source) == before.0)
        #expect(try LoggedServer.fingerprint(destination) == before.1)

        let runner = try FlowctlProcess(["apply", "-o", "json", one.file()])
        #expect(runner.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil)
        let refused = try one.run("delete", "--yes")
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("runner"), "\(refused.errors)")
        #expect(try slots() == 2)
        runner.interrupt()
        #expect(runner.waitForExit(seconds: 60) == 0)

        #expect(
            eventually(seconds: 60) {
                (try? admin.query(
                    "SELECT FROM pg_replication_slots WHERE active_pid IS NOT NULL AND database = current_database()"))?
                    .count == 0
            })
        let gone = try one.run("delete", "--yes")
        #expect(gone.exitCode == 0, "\(gone.errors)")
        #expect(gone.output.contains("it has the records of other links"), "\(gone.output)")
        #expect(gone.output.contains("other slots of this database"))
        #expect(try slots() == 1)
        #expect(try there.query("SELECT materialization FROM flow.checkpoints")[0, 0] == "of_b/destination")
        #expect(try there.query("SELECT count(*) FROM flow.bindings")[0, 0] == "1")
        #expect(try there.query("SELECT count(*) FROM public.a")[0, 0] == "1")
        #expect(try one.run("delete", "--yes").output.contains("nothing to remove"))

        try admin.execute("INSERT INTO public.b VALUES (2)")
        #expect(try two.run("apply", "--once").exitCode == 0)
        #expect(try there.query("SELECT count(*) FROM public.b")[0, 0] == "2")

        // As a delete leaves it that was killed after the slot was gone.
        #expect(
            eventually(seconds: 60) {
                (try? admin.execute("SELECT pg_drop_replication_slot(\(literal: two.slot))")) != nil
            })
        let rest = try two.run("delete", "--yes", "--drop-tables")
        #expect(rest.exitCode == 0, "\(rest.errors)")
        #expect(try slots() == 0)
        #expect(try admin.query("SELECT FROM pg_publication WHERE pubname = 'published_b'").count == 0)
        #expect(try there.query("SELECT FROM pg_namespace WHERE nspname = 'flow'").count == 0)
        #expect(try there.query("SELECT to_regclass('public.b') IS NULL")[0, 0] == "t")
    }
}

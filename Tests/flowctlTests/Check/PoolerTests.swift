import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

@Suite(
    "through a real PgBouncer", .enabled(if: Program.executable != nil && Pooler.program != nil),
    .timeLimit(.minutes(10)))
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
        #expect(run.output.contains("a connection pooler in transaction mode stands between"), "\(run.output)")
        #expect(run.output.contains("pool_mode=session"), "\(run.output)")
    }

    @Test("the log is not read through one, and no rows are stored through one in transaction mode; nothing is made")
    func refused() throws {
        let table = try OneTable("through_pooler", rows: 10)
        let before = try Pooler(before: table.source, users: [table.source.user])
        try table.write(sourceAddress: "127.0.0.1:\(before.port)")
        try expectRefusal(
            table, line: OneTable.sourceLine, "hint: this is a connection pooler: name the database server itself")
        for mode in ["transaction", "statement"] {
            let behind = try Pooler(before: table.destination, users: [table.destination.user], mode: mode)
            try table.write(destinationAddress: "127.0.0.1:\(behind.port)")
            try expectRefusal(
                table, line: OneTable.destinationLine, "hint: name the database server itself in the address")
        }
        try table.end()
    }

    private func expectRefusal(_ table: OneTable, line: Int, _ hint: String) throws {
        let run = try FlowctlProcess.run(["apply", "--once", table.catalog])
        #expect(run.exitCode == 69 && run.errors.contains("flow.yaml:\(line):"), "\(run)")
        #expect(run.errors.contains(hint) && !run.errors.contains("retry"), "\(run)")
        #expect(try table.isUntouched())
    }

    @Test("rows are stored through one in session mode, copied and streamed")
    func session() throws {
        let table = try OneTable("session_pooler", rows: 5000)
        let behind = try Pooler(before: table.destination, users: [table.destination.user], mode: "session")
        try table.write(destinationAddress: "127.0.0.1:\(behind.port)")
        let checked = try FlowctlProcess.run(["check", table.catalog])
        #expect(checked.output.contains("in session mode as far as it shows"), "\(checked.output)")
        let apply = try FlowctlProcess(["apply", table.catalog])
        #expect(eventually(seconds: 60) { table.count(table.destination) == 5000 }, "\(apply.errors)")
        try Connection(table.source).execute(
            """
            UPDATE public.notes SET text = 'new' WHERE id % 3 = 0; DELETE FROM public.notes WHERE id % 7 = 0;
            INSERT INTO public.notes VALUES (5001, 'last')
            """)
        #expect(eventually(seconds: 60) { (try? table.difference().isEmpty) == true }, "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        try table.end()
    }
}

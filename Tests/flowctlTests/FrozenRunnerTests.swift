import Foundation
import Postgres
import TestSupport
import Testing

/// Runners that stand still with their transaction open at the destination, and others that hold a link up there.
@Suite("frozen runners")
struct FrozenRunnerTests {
    @Test(
        "who holds a link up is named; a frozen runner's session is ended by the next, and it stops fenced as it wakes")
    func frozen() throws {
        let (source, destination) = try TestServers.freshDatabases("frozen")
        let catalog = TestFolder.place("frozen.yaml")
        try catalogText(source, destination).write(to: catalog, atomically: true, encoding: .utf8)
        let writer = try Connection(source)
        try writer.execute(
            """
            CREATE TABLE public.a (id int PRIMARY KEY, v text); CREATE TABLE public.b (id int PRIMARY KEY, v text);
            INSERT INTO public.a SELECT g, 'old' FROM generate_series(1, 3000) g; INSERT INTO public.b TABLE public.a
            """)
        let older = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(older.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(older.errors)")

        // One of a row's lock at the destination: the rows of `b` come after those of `a`.
        let watcher = try Connection(destination)
        let locker = try Connection(destination)
        try locker.execute("SET application_name = 'locker'; BEGIN; UPDATE public.a SET v = v WHERE id = 7")
        try writer.execute("BEGIN; UPDATE public.a SET v = 'new'; UPDATE public.b SET v = 'new'; COMMIT")
        let said = older.waitForLine(seconds: 60) { $0.contains("pg_terminate_backend") }
        #expect(
            said?.contains("process \(locker.backendPID) (locker, idle in transaction, postgres, since ") == true
                && said?.contains("public.a") == true
                && said?.contains("SELECT pg_terminate_backend(\(locker.backendPID))") == true,
            "\(said ?? older.output)")

        older.pause()
        try locker.execute("ROLLBACK")
        let frozen = "FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
        #expect(try eventually(seconds: 60) { try watcher.query("SELECT pid \(raw: frozen)").count == 1 })
        let process = try watcher.query("SELECT pid \(raw: frozen)")[0, 0] ?? ""
        // As the server does by itself after wal_sender_timeout.
        try writer.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'frozen'")
        let newer = try FlowctlProcess(["apply", "--once", "-o", "json", catalog.path])
        #expect(newer.waitForExit(seconds: 60) == 0, "\(newer.output)\(newer.errors)")
        let ended = newer.lines.first { $0.contains("its session was ended") }
        #expect(ended?.contains("process \(process) (flowctl, idle in transaction") == true, "\(newer.output)")
        #expect(try watcher.query("SELECT fence FROM flow.checkpoints")[0, 0] == "2")

        older.resume()
        #expect(older.waitForExit(seconds: 60) == 69, "\(older.output)\(older.errors)")
        #expect((older.output + older.errors).contains("another runner has taken it over"))
        let state = try watcher.query("SELECT fence, error IS NULL FROM flow.checkpoints")
        #expect(state[0, 0] == "2" && state[0, 1] == "t")
        for table in ["a", "b"] {
            let sum: SQL = "SELECT count(*), md5(string_agg(id || v, ',' ORDER BY id)) FROM public.\(id: table)"
            let (there, here) = (try watcher.query(sum), try writer.query(sum))
            #expect(there[0, 0] == "3000" && there[0, 1] == here[0, 1])
        }
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: catalog)
    }

    private func catalogText(_ source: ConnectionParameters, _ destination: ConnectionParameters) -> String {
        """
        collections: { frozen/a: { key: [/id] }, frozen/b: { key: [/id] } }
        captures:
          frozen/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                          password: none, advanced: { slotName: frozen } }
            bindings:
              - { resource: { namespace: public, stream: a }, target: frozen/a }
              - { resource: { namespace: public, stream: b }, target: frozen/b }
        materializations:
          frozen/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database),
                          user: postgres, password: none }
            bindings:
              - { source: frozen/a, resource: { table: a } }
              - { source: frozen/b, resource: { table: b } }

        """
    }
}

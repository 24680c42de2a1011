import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

/// Tables that are written to faster than one chunk of them can be read.
@Suite("busy tables")
struct BusyTableTests {
    @Test(
        "a table without key or column to read it by, in one chunk, is copied while more changes come than may be held for it"
    )
    func keyless() throws {
        let (source, destination) = try TestServers.freshDatabases("busykeyless")
        let admin = try Connection(source)
        try admin.execute(
            """
            CREATE DOMAIN public.number AS int; CREATE DOMAIN public.letters AS text;
            CREATE TABLE public.k (id public.number, z public.letters, w public.letters); CREATE INDEX ON public.k (id);
            ALTER TABLE public.k REPLICA IDENTITY FULL;
            INSERT INTO public.k SELECT g, 'k' || g || '_', repeat(md5(g::text), 8) FROM generate_series(1, 150000) g
            """)
        let catalog = TestFolder.place("busy.yaml")
        try """
        collections: { busy/k: { key: [/id] } }
        captures:
          busy/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                          password: none, advanced: { slotName: \(source.database) } }
            bindings:
              - { resource: { namespace: public, stream: k }, target: busy/k }
        materializations:
          busy/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database),
                          user: postgres, password: none }
            bindings:
              - { source: busy/k, resource: { table: k, delta_updates: true } }
        """.write(to: catalog, atomically: true, encoding: .utf8)
        let writer = Writer(source)
        writer.start()
        let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("backfill_started") } != nil, "\(apply.errors)")
        // Each statement's rows, old and new, are a quarter of a megabyte: several times what may be held, and an end.
        writer.end(after: 250)
        let completed = apply.waitForLine(seconds: 180) { $0.contains("backfill_completed") }
        writer.wait()
        #expect(completed != nil, "\(apply.lines.suffix(5)) \(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        let once = try FlowctlProcess.run(["apply", "--once", catalog.path])
        #expect(once.exitCode == 0, "\(once.errors)")

        // Every update makes z longer by one: each version from the copied one on is there once.
        let rows = try Connection(destination).query(
            """
            SELECT count(*) FILTER (WHERE n <> last - first + 1 OR n <> versions), md5(string_agg(id || ':' || last, ','
                   ORDER BY id))
              FROM (SELECT id, count(*) AS n, count(DISTINCT length(z)) AS versions, min(length(z)) AS first,
                           max(length(z)) AS last FROM public.k GROUP BY id) s
            """)
        #expect(rows[0, 0] == "0")
        #expect(
            try rows[0, 1]
                == admin.query("SELECT md5(string_agg(id || ':' || length(z), ',' ORDER BY id)) FROM public.k")[0, 0])
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: catalog)
    }
}

/// Updates rows as fast as the server does it.
private final class Writer: Sendable {
    private let parameters: ConnectionParameters
    /// Statements that are still to come.
    private let left = Atomic<Int>(2000)
    private let ended = DispatchSemaphore(value: 0)

    init(_ parameters: ConnectionParameters) {
        self.parameters = parameters
    }

    func start() {
        Thread.detachNewThread { [self] in
            if let connection = try? Connection(parameters) {
                while left.subtract(1, ordering: .relaxed).newValue >= 0 {
                    let first = Int.random(in: 1...149_000)
                    try? connection.execute(
                        "UPDATE public.k SET z = z || '1' WHERE id BETWEEN \(raw: String(first)) AND \(raw: String(first + 500))"
                    )
                }
            }
            ended.signal()
        }
    }

    /// Ends it after so many statements more.
    func end(after statements: Int) {
        left.store(statements, ordering: .relaxed)
    }

    func wait() { ended.wait() }
}

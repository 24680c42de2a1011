import Foundation
import Postgres
import TestSupport
import Testing

/// `adopt: true`: a table that somebody filled is taken over, and is the source's in the end.
@Suite("tables that are taken over with their rows")
struct AdoptionTests {
    private static let rows = 4000

    /// What the binding asks for beside.
    enum Variant: CaseIterable {
        case plain, filtered
        /// Its counter is raised in the middle.
        case readAgain
    }

    private func catalog(
        _ source: ConnectionParameters, _ destination: ConnectionParameters, adopt: Bool, _ variant: Variant = .plain,
        backfill: Int = 0
    ) throws -> URL {
        let filter = variant == .filtered ? ", advanced: { additional_backfill_filter: id > 0 }" : ""
        let file = TestFolder.place("adopt.yaml")
        try """
        collections: { p/a: { key: [/k, /id] } }
        captures:
          p/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                          password: none, advanced: { slotName: \(source.database), backfill_chunk_size: 50 } }
            bindings: [ { resource: { namespace: public, stream: a\(filter) }, target: p/a, backfill: \(backfill) } ]
        materializations:
          p/sink:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none }
            bindings: [ { source: p/a, resource: { table: a, adopt: \(adopt) } } ]
        """.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    @Test(
        "its rows are written over, those that the source lacks go, and what changes meanwhile counts; killed or not",
        arguments: Variant.allCases)
    func adopted(variant: Variant) throws {
        let (source, destination) = try TestServers.freshDatabases("adopt")
        let admin = try Connection(source)
        let there = try Connection(destination)
        let table: SQL = "CREATE TABLE public.a (k text, id int, v text, big text, PRIMARY KEY (k, id))"
        try admin.execute(table)
        try there.execute(table)
        try admin.execute(
            """
            INSERT INTO public.a SELECT 'k' || i % 7, i, 'source', repeat(md5(i::text), 200)
              FROM generate_series(1, \(raw: "\(Self.rows)")) i WHERE i % 10 <> 0
            """)
        // Every second row of the source, with other values, and those that the source lacks.
        try there.execute(
            """
            INSERT INTO public.a SELECT 'k' || i % 7, i, 'before', 'b'
              FROM generate_series(1, \(raw: "\(Self.rows)")) i WHERE i % 2 = 0
            """)
        let refused = try FlowctlProcess.run(
            ["apply", "--once", try catalog(source, destination, adopt: false).path])
        #expect(refused.exitCode == 69 && refused.errors.contains("adopt: true"), "\(refused.errors)")
        var file = try catalog(source, destination, adopt: true, variant)
        let apply = try FlowctlProcess(["apply", "-o", "json", file.path])
        let copied: SQL = "SELECT rows > 300 FROM flow.bindings"
        #expect(eventually(seconds: 60) { (try? there.query(copied)[0, 0]) == "t" }, "\(apply.errors)")
        // Rows that only the destination had come at the source, in what is copied and in what is not; others go and move.
        try admin.execute(
            """
            INSERT INTO public.a SELECT 'k' || i % 7, i, 'late', 'l'
              FROM generate_series(1, \(raw: "\(Self.rows)")) i WHERE i % 40 = 0;
            UPDATE public.a SET v = 'changed' WHERE id % 13 = 0;
            DELETE FROM public.a WHERE id % 11 = 0;
            UPDATE public.a SET id = id + 100000 WHERE id % 17 = 0
            """)
        _ = eventually(seconds: 10) { (try? there.query("SELECT rows > 1200 FROM flow.bindings")[0, 0]) == "t" }
        apply.kill9()
        try admin.execute("UPDATE public.a SET v = 'down' WHERE id % 19 = 0; DELETE FROM public.a WHERE id % 23 = 0")
        if variant == .readAgain {
            try FileManager.default.removeItem(at: file)
            file = try catalog(source, destination, adopt: true, variant, backfill: 1)
        }
        let outcome = try FlowctlProcess.run(["apply", "--once", file.path])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let sum: SQL = "SELECT count(*) || md5(string_agg(ROW(k, id, v, big)::text, ',' ORDER BY id)) FROM public.a"
        #expect(try there.query(sum)[0, 0] == (try admin.query(sum)[0, 0]))
        #expect(
            try there.query("SELECT count(*) FROM pg_class WHERE relname LIKE 'adopting%' AND relkind = 'r'")[0, 0]
                == "0")
        admin.close()
        there.close()
        try TestServers.drop(source)
        try TestServers.drop(destination)
        try FileManager.default.removeItem(at: file)
    }
}

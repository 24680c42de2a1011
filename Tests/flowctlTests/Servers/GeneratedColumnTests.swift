import Foundation
import Postgres
import TestSupport
import Testing

@Suite(
    "generated columns that are published",
    .enabled(if: serverVersion >= 18, "PostgreSQL 18 is the first to publish them"))
struct GeneratedColumnTests {
    private static let tables = [
        PipelineFolder.Table(schema: "public", name: "orders", key: ["id"]),
        PipelineFolder.Table(
            schema: "public", name: "orders", key: ["id"], isDelta: true, destination: "orders_log"),
    ]

    private func folder(_ name: String, publishing what: String) throws -> (Connection, PipelineFolder) {
        let (source, destination) = try TestServers.freshDatabases(name)
        let connection = try Connection(source)
        try connection.execute(
            """
            CREATE TABLE public.orders (
              id int PRIMARY KEY, name text, low text GENERATED ALWAYS AS (lower(name)) STORED,
              twice int GENERATED ALWAYS AS (id * 2) STORED, thrice int GENERATED ALWAYS AS (id * 3) VIRTUAL,
              big text GENERATED ALWAYS AS (repeat(name, 3000)) STORED);
            ALTER TABLE public.orders ALTER big SET STORAGE EXTERNAL;
            INSERT INTO public.orders SELECT n, 'Name' || n FROM generate_series(1, 50) n;
            CREATE PUBLICATION flow_publication FOR TABLE public.orders WITH (publish_generated_columns = \(raw: what))
            """)
        return (connection, try PipelineFolder(source, destination, slot: source.database))
    }

    private func rows(_ connection: Connection, _ table: String = "orders", where condition: String = "true") -> String?
    {
        let rows = try? connection.query(
            """
            SELECT md5(string_agg(concat_ws('|', id, name, low, twice, md5(big)), ',' ORDER BY id, twice))
              FROM public.\(id: table) WHERE \(raw: condition)
            """)
        return rows?[0, 0]
    }

    @Test(
        "are values like others, copied and streamed, whatever their expression, in append-only tables too; virtual ones are left out"
    )
    func published() throws {
        let (source, pipeline) = try folder("generatedvalues", publishing: "stored")
        let target = try Connection(pipeline.destination)
        let apply = try FlowctlProcess(["apply", "-o", "json", pipeline.write(Self.tables)])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("\"caught_up\"") } != nil, "\(apply.errors)")
        #expect(rows(target) == rows(source) && rows(target, "orders_log") == rows(source))
        #expect(apply.output.contains("generated column \\\"thrice\\\" is left out"), "\(apply.output)")
        try source.execute(
            """
            INSERT INTO public.orders VALUES (51, 'NEW'); UPDATE public.orders SET name = 'Other' WHERE id % 7 = 0;
            UPDATE public.orders SET id = id + 100 WHERE id % 10 = 0; DELETE FROM public.orders WHERE id = 3
            """)
        #expect(eventually(seconds: 60) { rows(target) == rows(source) }, "\(apply.errors)")
        #expect(rows(target, "orders_log", where: "id = 51") == rows(source, where: "id = 51"))
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        let computed = try target.query(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.orders'::regclass AND attgenerated <> ''")
        #expect(computed[0, 0] == "0")
        let verified = try FlowctlProcess.run(["verify", pipeline.folder.appending(path: "flow.json").path])
        #expect(verified.exitCode == 0, "\(verified)")

        // The server writes every row anew, and none of it is in the log.
        try source.execute("ALTER TABLE public.orders ALTER COLUMN twice SET EXPRESSION AS (id * 20)")
        let rewritten = try pipeline.apply(Self.tables)
        #expect(rewritten.exitCode == 69 && rewritten.errors.contains("twice"), "\(rewritten.errors)")
    }

    @Test(
        "one that is added to a published table, or gets another expression, has it read again, since the log lacks the values of old rows"
    )
    func added() throws {
        let (source, pipeline) = try folder("generatedadded", publishing: "stored")
        let tables = [Self.tables[0]]
        let apply = try FlowctlProcess(["apply", "-o", "json", pipeline.write(tables)])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("\"caught_up\"") } != nil, "\(apply.errors)")
        try source.execute("ALTER TABLE public.orders ADD COLUMN tenfold int GENERATED ALWAYS AS (id * 10) STORED")
        try source.execute("INSERT INTO public.orders VALUES (52, 'x')")
        let sum: SQL = "SELECT md5(string_agg(id || ' ' || tenfold, ',' ORDER BY id)) FROM public.orders"
        let here = try source.query(sum)[0, 0]
        let target = try Connection(pipeline.destination)
        #expect(eventually(seconds: 60) { (try? target.query(sum)[0, 0]) == here }, "\(apply.output)")
        #expect(apply.output.contains("lacks what the log does not show") && apply.output.contains("tenfold"))
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        try source.execute("ALTER TABLE public.orders ALTER COLUMN tenfold SET EXPRESSION AS (id * 100)")
        let again = try pipeline.apply(tables)
        #expect(again.exitCode == 0, "\(again.errors)")
        #expect(try target.query(sum)[0, 0] == source.query(sum)[0, 0])
    }

    @Test(
        "where they are not published a stored one is computed, a virtual one left out; to publish them stops it until the table is made anew"
    )
    func unpublished() throws {
        let (source, pipeline) = try folder("generatedcomputed", publishing: "none")
        var tables = [Self.tables[0]]
        #expect(try pipeline.apply(tables).exitCode == 0)
        let target = try Connection(pipeline.destination)
        let columns = try target.query(
            """
            SELECT string_agg(attname, ',' ORDER BY attnum) FILTER (WHERE attgenerated <> ''), string_agg(attname, ',')
              FROM pg_attribute WHERE attrelid = 'public.orders'::regclass AND attnum > 0 AND NOT attisdropped
            """)
        #expect(columns[0, 0] == "twice,big" && columns[0, 1]?.contains("thrice") == false)

        let apply = try FlowctlProcess(["apply", "-o", "json", pipeline.write(tables)])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("\"caught_up\"") } != nil, "\(apply.errors)")
        try source.execute(
            """
            ALTER PUBLICATION flow_publication SET (publish_generated_columns = stored);
            INSERT INTO public.orders VALUES (61, 'x');
            """)
        #expect(apply.waitForExit(seconds: 60) == 69)
        tables[0].rebuild = 1
        let rebuilt = try pipeline.apply(tables, ["--once", "--allow-destructive"])
        #expect(rebuilt.exitCode == 0, "\(rebuilt.errors)")
        #expect(rows(target) == rows(source))
    }
}

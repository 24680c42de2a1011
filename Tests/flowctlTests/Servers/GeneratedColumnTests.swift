import Foundation
import Postgres
import TestSupport
import Testing

@Suite(
    "generated columns that are published",
    .enabled(if: serverVersion >= 18, "PostgreSQL 18 is the first to publish them"))
struct GeneratedColumnTests {
    @Test("are refused, as apply starts and while it runs; else a stored one is computed, a virtual one left out")
    func published() throws {
        let (source, destination) = try TestServers.freshDatabases("generated")
        let connection = try Connection(source)
        try connection.execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED,
                                        thrice int GENERATED ALWAYS AS (id * 3) VIRTUAL);
            INSERT INTO public.orders VALUES (1);
            CREATE PUBLICATION flow_publication FOR TABLE public.orders WITH (publish_generated_columns = stored);
            """)
        let tables = [PipelineFolder.Table(schema: "public", name: "orders", key: ["id"])]
        let pipeline = try PipelineFolder(source, destination, slot: source.database)
        let refused = try pipeline.apply(tables)
        #expect(
            refused.exitCode == 69 && refused.errors.contains("it publishes the generated column twice"),
            "\(refused.errors)")
        try connection.execute("ALTER PUBLICATION flow_publication SET (publish_generated_columns = none)")
        #expect(try pipeline.apply(tables).exitCode == 0)
        let columns = try Connection(destination).query(
            """
            SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = 'public.orders'::regclass AND attnum > 0 AND NOT attisdropped
            """)
        #expect(columns[0, 0]?.contains("twice") == true && columns[0, 0]?.contains("thrice") == false)

        let apply = try FlowctlProcess(["apply", "-o", "json", pipeline.write(tables)])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("\"caught_up\"") } != nil, "\(apply.errors)")
        try connection.execute(
            """
            ALTER PUBLICATION flow_publication SET (publish_generated_columns = stored);
            INSERT INTO public.orders VALUES (2);
            """)
        #expect(apply.waitForExit(seconds: 60) == 69)
        #expect(apply.errors.contains("generated column \"twice\" is published now"), "\(apply.errors)")
    }
}

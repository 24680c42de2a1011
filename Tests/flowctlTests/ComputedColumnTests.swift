import Postgres
import TestSupport
import Testing

/// The log has no generated columns: the destination computes those whose value is the same everywhere, and says what it leaves out.
@Suite("generated columns")
struct ComputedColumnTests {
    private static let sum: SQL =
        "SELECT md5(string_agg(concat_ws('|', id, first, last, price, whole, total, tenfold), ',' ORDER BY id)) FROM public.b"

    private func setUp(_ name: String) throws -> GapTests.Setup {
        let setup = try GapTests.Setup(name)
        try setup.admin.execute(
            """
            DROP TABLE public.b;
            CREATE TABLE public.b (
              id int PRIMARY KEY, first text, last text, price numeric(10,2),
              whole text GENERATED ALWAYS AS (coalesce(first, '') || ' ' || last) STORED,
              total numeric GENERATED ALWAYS AS (price * 1.19) STORED,
              low text GENERATED ALWAYS AS (lower(first)) STORED);
            INSERT INTO public.b SELECT n, 'First' || n, 'Last', n FROM generate_series(1, 100) n
            """)
        return setup
    }

    @Test(
        "they are computed at the destination, also ones that are added later; one that depends on a collation is said to be left out"
    )
    func computed() throws {
        let setup = try setUp("generated")
        let apply = try setup.start()
        #expect(apply.output.contains("generated column \\\"low\\\" is left out"), "\(apply.output)")
        #expect(!apply.output.contains("generated column \\\"total\\\""))
        try setup.admin.execute("ALTER TABLE public.b ADD COLUMN tenfold int GENERATED ALWAYS AS (id * 10) STORED")
        try setup.admin.execute(
            "UPDATE public.b SET price = price + 1, first = NULL WHERE id % 3 = 0; DELETE FROM public.b WHERE id = 7")
        let expected = try setup.admin.query(ComputedColumnTests.sum)[0, 0]
        let isEqual = {
            (try? Connection(setup.destination).query(ComputedColumnTests.sum)[0, 0]) == expected
        }
        #expect(eventually(seconds: 60, isEqual), "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        try setup.end()
    }

    @Test("one that prints a value as the writer's session has it is left out, whatever else the table has")
    func printed() throws {
        let setup = try setUp("generatedtext")
        try setup.admin.execute(
            """
            ALTER TABLE public.b ADD COLUMN tenfold int, ADD COLUMN raw bytea, ADD COLUMN place point, ADD COLUMN f float8,
              ADD COLUMN raw_text text GENERATED ALWAYS AS (raw::text) STORED,
              ADD COLUMN place_text text GENERATED ALWAYS AS (place::text) STORED,
              ADD COLUMN third text GENERATED ALWAYS AS ((id::float8 / 3)::text) STORED,
              ADD COLUMN plain text GENERATED ALWAYS AS (id::text) STORED
            """)
        let apply = try setup.start()
        for name in ["raw_text", "place_text", "third"] {
            #expect(apply.output.contains("generated column \\\"\(name)\\\" is left out"), "\(apply.output)")
        }
        #expect(!apply.output.contains("generated column \\\"plain\\\""))
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 120) == 0, "\(apply.errors)")
        try setup.end()
    }

    @Test(
        "one within a replica identity would make PostgreSQL 18 refuse the table's updates: nothing is published; earlier it passes"
    )
    func withinIdentity() throws {
        let setup = try setUp("generatedidentity")
        try setup.admin.execute("ALTER TABLE public.b REPLICA IDENTITY FULL")
        let outcome = try setup.once()
        let isRefused = setup.admin.serverVersion >= 180_000
        #expect(outcome.exitCode == (isRefused ? 69 : 0), "\(outcome.errors)")
        #expect(outcome.errors.contains("REPLICA IDENTITY DEFAULT") == isRefused)
        try setup.admin.execute("UPDATE public.b SET price = 1 WHERE id = 1; DELETE FROM public.b WHERE id = 2")
        try setup.end()
    }

    @Test(
        "one that is added while nothing runs is computed from the next start on; one that becomes an ordinary column stops it"
    )
    func addedMeanwhile() throws {
        let setup = try setUp("generatedlater")
        #expect(try setup.once().exitCode == 0)
        try setup.admin.execute(
            "ALTER TABLE public.b ADD COLUMN tenfold int GENERATED ALWAYS AS (id * 10) STORED")
        #expect(try setup.once().exitCode == 0)
        try setup.admin.execute(
            "ALTER TABLE public.b RENAME COLUMN whole TO \"whole name\"; ALTER TABLE public.b RENAME COLUMN price TO cost"
        )
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        try setup.admin.execute("UPDATE public.b SET cost = 5, last = 'other' WHERE id > 50")
        #expect(try setup.once().exitCode == 0)
        let sum: SQL =
            "SELECT md5(string_agg(concat_ws('|', id, cost, \"whole name\", total, tenfold), ',' ORDER BY id)) FROM public.b"
        #expect(try Connection(setup.destination).query(sum)[0, 0] == (try setup.admin.query(sum)[0, 0]))
        try setup.admin.execute("ALTER TABLE public.b ALTER tenfold DROP EXPRESSION; UPDATE public.b SET tenfold = 1")
        let refused = try setup.once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("tenfold"), "\(refused.errors)")
        try setup.end()
    }
}

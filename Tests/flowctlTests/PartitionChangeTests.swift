import Postgres
import TestSupport
import Testing

/// Partitions come, go and are emptied without a word in the log: nothing of it may pass in silence, and what changes no row
/// must not stop anything.
@Suite("partitions under the root's name")
struct PartitionChangeTests {
    /// `b` is partitioned: two partitions with rows, one without.
    private func partitioned(_ name: String) throws -> GapTests.Setup {
        let setup = try GapTests.Setup(name)
        try setup.admin.execute(
            """
            DROP TABLE public.b; CREATE TABLE public.b (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
            CREATE TABLE public.b_1 PARTITION OF public.b FOR VALUES FROM (0) TO (10);
            CREATE TABLE public.b_2 PARTITION OF public.b FOR VALUES FROM (10) TO (20);
            CREATE TABLE public.b_3 PARTITION OF public.b FOR VALUES FROM (20) TO (30);
            INSERT INTO public.b VALUES (1, 'one'), (2, 'two'), (11, 'eleven')
            """)
        return setup
    }

    private func sourceRows(_ setup: GapTests.Setup) throws -> String? {
        try setup.admin.query("SELECT string_agg(id || v, ',' ORDER BY id) FROM public.b")[0, 0]
    }

    /// Statements one by one: each is a transaction of its own, but for what stands between BEGIN and COMMIT.
    private func run(_ statements: [String], _ setup: GapTests.Setup) throws {
        for statement in statements { try setup.admin.execute("\(raw: statement)") }
    }

    /// What changes no row, or shows every row that it changes. `number` keeps names and bounds apart.
    private static func harmless(_ number: Int) -> [String] {
        let from = number * 100
        return [
            // Made as a partition; made in pieces and attached in the same transaction, and written to in it.
            "CREATE TABLE public.made_\(number) PARTITION OF public.b FOR VALUES FROM (\(from)) TO (\(from + 10))",
            "INSERT INTO public.b VALUES (\(from), 'made')",
            """
            BEGIN; CREATE TABLE public.sub_\(number) PARTITION OF public.b FOR VALUES FROM (\(from + 10)) TO (\(from + 20))
              PARTITION BY LIST (id);
            CREATE TABLE public.sub_\(number)_x PARTITION OF public.sub_\(number) DEFAULT;
            INSERT INTO public.b VALUES (\(from + 10), 'sub'); COMMIT
            """,
            // Attached empty, and still so.
            "CREATE TABLE public.attached_\(number) (id int NOT NULL, v text)",
            "ALTER TABLE public.b ATTACH PARTITION public.attached_\(number) FOR VALUES FROM (\(from + 20)) TO (\(from + 30))",
            // Gone again without ever a row.
            "CREATE TABLE public.gone_\(number) PARTITION OF public.b FOR VALUES FROM (\(from + 30)) TO (\(from + 40))",
            "ALTER TABLE public.b DETACH PARTITION public.gone_\(number)",
            // Written anew with the same values.
            "VACUUM FULL public.b_1", "CLUSTER public.b_2 USING b_2_pkey", "REINDEX TABLE public.b_2",
            "ANALYZE public.b",
            "UPDATE public.b SET v = 'again \(number)' WHERE id = 1",
        ]
    }

    @Test(
        "what comes or goes empty, is made as a partition, is written anew as it was, or is truncated as a whole, goes on"
    )
    func harmless() throws {
        let setup = try partitioned("harmless")
        let apply = try setup.start()
        let isEqual = { (try? setup.rows("b")) == (try? sourceRows(setup)) }
        try run(PartitionChangeTests.harmless(1), setup)
        #expect(eventually(seconds: 60, isEqual), "\(apply.errors)")
        // The look at the catalog that finds them, and the place of the log that it waits for.
        let looked = { (table: String) in
            eventually(seconds: 60) {
                let rows = try? Connection(setup.destination).query(
                    "SELECT backfill LIKE \(literal: "%\(table)%") FROM flow.bindings WHERE destination_table = 'b'")
                return rows?[0, 0] == "t" || !apply.isRunning
            }
        }
        #expect(looked("attached_1"), "\(apply.errors)")
        try run(
            [
                "DROP TABLE public.b_3", "TRUNCATE public.attached_1", "INSERT INTO public.b VALUES (121, 'later')",
                "CREATE TABLE public.b_3 PARTITION OF public.b FOR VALUES FROM (20) TO (30)",
                "TRUNCATE public.b", "INSERT INTO public.b VALUES (1, 'one'), (2, 'two'), (21, 'more')",
                "CREATE TABLE public.mark_1 PARTITION OF public.b FOR VALUES FROM (190) TO (191)",
            ], setup)
        #expect(looked("mark_1"), "\(apply.errors)")
        #expect(isEqual())
        #expect(apply.isRunning, "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")

        try run(PartitionChangeTests.harmless(2), setup)
        try run(["DROP TABLE public.mark_1"], setup)
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(isEqual())
        try run(["TRUNCATE public.b", "INSERT INTO public.b VALUES (2, 'two'), (210, 'new')"], setup)
        let again = try setup.once()
        #expect(again.exitCode == 0, "\(again.errors)")
        #expect(isEqual())
        #expect(try setup.once().exitCode == 0)
        try setup.end()
    }

    static let changes: [(statements: [String], message: String)] = [
        (
            [
                "CREATE TABLE public.b_4 (id int NOT NULL, v text)", "INSERT INTO public.b_4 VALUES (31, 'before')",
                "ALTER TABLE public.b ATTACH PARTITION public.b_4 FOR VALUES FROM (30) TO (40)",
            ], "may have had rows as it was attached"
        ),
        (
            [
                """
                BEGIN; CREATE TABLE public.b_4 AS SELECT 31 AS id, 'before'::text AS v;
                ALTER TABLE public.b_4 ALTER id SET NOT NULL;
                ALTER TABLE public.b ATTACH PARTITION public.b_4 FOR VALUES FROM (30) TO (40); COMMIT
                """
            ], "may have had rows as it was attached"
        ),
        (["ALTER TABLE public.b DETACH PARTITION public.b_1"], "b_1 was dropped or detached"),
        (
            ["ALTER TABLE public.b DETACH PARTITION public.b_1", "DELETE FROM public.b_1", "VACUUM public.b_1"],
            "b_1 was"
        ),
        (["DROP TABLE public.b_2"], "b_2 was dropped or detached"),
        (["INSERT INTO public.b VALUES (21, 'rows')", "DROP TABLE public.b_3"], "b_3 was dropped or detached"),
        (
            [
                "ALTER TABLE public.b DETACH PARTITION public.b_1", "UPDATE public.b_1 SET v = 'apart'",
                "ALTER TABLE public.b ATTACH PARTITION public.b_1 FOR VALUES FROM (0) TO (10)",
            ], "b_1 was detached and attached again"
        ),
        (["TRUNCATE public.b_1", "INSERT INTO public.b VALUES (3, 'later')"], "b_1 was truncated or written anew"),
        (["TRUNCATE public.b_2"], "b_2 was truncated or written anew"),
        (["ALTER TABLE public.b ALTER v TYPE text USING upper(v)"], "was truncated or written anew by itself"),
        (
            [
                "CREATE TABLE public.b_5 PARTITION OF public.b FOR VALUES FROM (50) TO (60)",
                "INSERT INTO public.b VALUES (51, 'short-lived')", "DROP TABLE public.b_5",
            ], "b_5 was dropped or detached"
        ),
    ]

    @Test(
        "what changes rows without the log saying so, while nobody looks, is mended by the next start, which says so",
        arguments: changes.indices)
    func changedMeanwhile(index: Int) throws {
        let change = PartitionChangeTests.changes[index]
        let setup = try partitioned("partchange")
        #expect(try setup.once().exitCode == 0)
        try run(change.statements, setup)
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains(change.message), "\(outcome.errors)")
        #expect(try setup.rows("b") == (try sourceRows(setup)))
        try run(
            [
                "CREATE TABLE public.later PARTITION OF public.b FOR VALUES FROM (90) TO (100)",
                "INSERT INTO public.b VALUES (91, 'later')",
            ], setup)
        let silent = try setup.once()
        #expect(silent.exitCode == 0 && !silent.errors.contains("log does not show"), "\(silent.errors)")
        #expect(try setup.rows("b") == (try sourceRows(setup)))
        try setup.end()
    }

    @Test("the same is mended by a run that streams, and the other tables go on", arguments: [0, 4, 7])
    func changedWhileStreaming(index: Int) throws {
        let change = PartitionChangeTests.changes[index]
        let setup = try partitioned("partstream")
        let apply = try setup.start()
        try run(change.statements, setup)
        #expect(apply.waitForLine(seconds: 60) { $0.contains(change.message) && $0.contains("\"warning\"") } != nil)
        let isEqual = { try setup.rows("b") == (try sourceRows(setup)) }
        #expect(eventually(seconds: 60) { (try? isEqual()) == true }, "\(apply.output)")
        try setup.admin.execute("INSERT INTO public.a VALUES (7, 'goes on')")
        #expect(eventually(seconds: 60) { (try? setup.rows("a")) == "1old,2old,7goes on" }, "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 30) == 0, "\(apply.errors)")
        #expect(try isEqual())
        try setup.end()
    }

    @Test(
        "a partition that goes with its rows takes nothing from a table that keeps them; one that comes back is read, or refused",
        arguments: [", delta_updates: true", ", deleteMode: ignore"])
    func keptRows(resource: String) throws {
        let setup = try partitioned("partkept")
        try setup.write(["a", "b"], resource: resource)
        let apply = try setup.start()
        try run(["UPDATE public.b SET v = 'last' WHERE id = 1", "DROP TABLE public.b_1"], setup)
        let looked: SQL =
            "SELECT position('public.b_1' IN backfill) = 0 FROM flow.bindings WHERE destination_table = 'b'"
        #expect(eventually(seconds: 60) { (try? Connection(setup.destination).query(looked)[0, 0]) == "t" })
        try run(["INSERT INTO public.b VALUES (12, 'later')"], setup)
        #expect(eventually(seconds: 60) { (try? setup.rows("b"))?.contains("12later") == true }, "\(apply.errors)")
        #expect(try setup.rows("b")?.contains("1last") == true)
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        try run(
            ["ALTER TABLE public.b DETACH PARTITION public.b_2", "INSERT INTO public.b VALUES (22, 'down')"], setup)
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try setup.rows("b")?.contains("12later") == true && setup.rows("b")?.contains("22down") == true)
        try run(
            [
                "INSERT INTO public.b_2 VALUES (13, 'apart')",
                "ALTER TABLE public.b ATTACH PARTITION public.b_2 FOR VALUES FROM (10) TO (20)",
            ], setup)
        let back = try setup.once()
        #expect(back.errors.contains("b_2 may have had rows"), "\(back.errors)")
        if resource.contains("delta") {
            // What became of the rows meanwhile can't be told any more.
            #expect(back.exitCode == 69 && back.errors.contains("have the table read again"), "\(back.errors)")
        } else {
            #expect(back.exitCode == 0, "\(back.errors)")
            #expect(try setup.rows("b")?.contains("13apart") == true && setup.rows("b")?.contains("1last") == true)
        }
        try setup.end()
    }

    @Test("a partition whose changes are in no log is refused")
    func unlogged() throws {
        let setup = try partitioned("unlogged")
        #expect(try setup.once().exitCode == 0)
        try run(["CREATE UNLOGGED TABLE public.b_4 PARTITION OF public.b FOR VALUES FROM (30) TO (40)"], setup)
        let refused = try setup.once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("b_4 is unlogged"), "\(refused.errors)")
        try setup.end()
    }

    @Test("a column of all partitions that is added, or given a wider type, is followed")
    func columns() throws {
        let setup = try partitioned("partcolumns")
        let apply = try setup.start()
        try run(
            [
                "ALTER TABLE public.b ADD COLUMN n int GENERATED ALWAYS AS (id * 10) STORED",
                "INSERT INTO public.b VALUES (25, 'new')",
            ], setup)
        let sum: SQL = "SELECT string_agg(id || v || n, ',' ORDER BY id) FROM public.b"
        let expected = try setup.admin.query(sum)[0, 0]
        #expect(
            eventually(seconds: 60) { (try? Connection(setup.destination).query(sum)[0, 0]) == expected },
            "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        // A column that comes after the table was written anew is known from the next start on.
        #expect(try setup.once().exitCode == 0)
        try run(
            [
                "ALTER TABLE public.b DROP COLUMN n", "ALTER TABLE public.b ADD COLUMN w int",
                "INSERT INTO public.b VALUES (26, 'wide', 4)",
            ], setup)
        #expect(try setup.once().exitCode == 0)
        try run(
            ["ALTER TABLE public.b ALTER w TYPE bigint", "INSERT INTO public.b VALUES (27, 'wider', 5)"], setup)
        let outcome = try setup.once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        try setup.end()
    }
}

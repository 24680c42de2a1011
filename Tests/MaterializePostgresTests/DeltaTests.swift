import Connectors
import Postgres
import Testing

@testable import MaterializePostgres

@Suite("changes in a delta table")
struct DeltaTests {
    let shape = TableShape.test([.int("id", key: true), .text("na\"me"), .text("big")])

    private func link(_ destination: Destination, _ change: (inout LinkBinding) -> Void = { _ in }) throws -> TestLink {
        try TestLink(destination, shape) { binding in
            binding.mode = .insert
            change(&binding)
        }
    }

    @Test("every change is a row, in order, with what is known of it", arguments: [false, true])
    func everyOperation(large: Bool) throws {
        let destination = try Destination()
        let link = try link(destination)
        try link.store(shape) { rows in
            rows.log(.create, [1, "a\tb", "x"], position: "16/B374D848", sequence: 0)
            rows.log(.update, [1, .left, .left], position: "16/B374D848", sequence: 1)
            rows.log(.delete, [1, nil, nil], position: "16/B374D848", sequence: 2, keyOnly: true)
            rows.log(.truncate, nil, position: "16/B374D900", sequence: 0)
            rows.log(.create, [1, "", nil], position: "16/B374D900", sequence: 1)
            guard large else { return }
            for number in 2..<200 { rows.log(.create, [1, nil, nil], position: "17/0", sequence: Int64(number)) }
        }
        #expect(
            try destination.rows(
                """
                SELECT id, "na""me", big, "_meta/op", "_meta/source/lsn", "_meta/source/seq", "_meta/source/ts_ms",
                       "_meta/source/txid", "_meta/unchanged"
                  FROM public.orders WHERE "_meta/source/lsn" < '17/0'
                 ORDER BY "_meta/source/lsn", "_meta/source/seq"
                """) == [
                    "1|a\tb|x|c|16/B374D848|0|946684801234|77|~",
                    "1|~|~|u|16/B374D848|1|946684801234|77|{\"na\\\"me\",big}",
                    "1|~|~|d|16/B374D848|2|946684801234|77|~",
                    "~|~|~|t|16/B374D900|0|946684801234|77|~", "1||~|c|16/B374D900|1|946684801234|77|~",
                ])
        #expect(
            try destination.value("SELECT count(*) FROM pg_index WHERE indrelid = 'public.orders'::regclass") == "0")
    }

    @Test("rows of a backfill are marked as read, and carry its position and their number")
    func backfill() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape, willBackfill: true) { binding in
            binding.mode = .insert
            binding.requiredFields = ["flow_published_at"]
            binding.excludedFields = ["big"]
        }
        try link.chunk(["1\ta\\tb\tx", "2\t\\N\ty"], shape: shape, isLast: true)
        #expect(
            try destination.rows(
                """
                SELECT id, "na""me", "_meta/op", "_meta/source/lsn", "_meta/source/seq",
                       abs("_meta/source/ts_ms" - extract(epoch from now()) * 1000) < 60000, "_meta/source/txid",
                       "_meta/unchanged", flow_published_at IS NOT NULL
                  FROM public.orders ORDER BY id
                """) == ["1|a\tb|r|1/200|10|t|~|~|t", "2|~|r|1/200|11|t|~|~|t"])
    }

    @Test("times before 2000 are rounded down like those after")
    func times() {
        #expect(DeltaEncoder.milliseconds(0) == 946_684_800_000)
        #expect(DeltaEncoder.milliseconds(1999) == 946_684_800_001)
        #expect(DeltaEncoder.milliseconds(-1) == 946_684_799_999)
        #expect(DeltaEncoder.milliseconds(-1000) == 946_684_799_999)
    }
}

@Suite("tables that are emptied")
struct TruncateTests {
    let shape = TableShape.test([.int("id", key: true), .text("name")])

    private func filled(_ destination: Destination, _ materialization: PostgresMaterialization? = nil) throws
        -> TestLink
    {
        let modes: [DeleteMode] = [.hard, .hard, .soft, .ignore]
        let bindings = modes.enumerated().map { number, mode in
            LinkBinding.test(shape) { binding in
                binding.name = "t\(number)"
                binding.deletes = mode
            }
        }
        let link = try TestLink(materialization ?? destination.materialization(), bindings.map { ($0, shape) })
        for binding in bindings.indices { try link.store(shape, binding: binding) { $0.insert([1, "a"]) } }
        return link
    }

    @Test("tables are emptied together and in order; soft deletes flag, ignored ones keep")
    func truncate() throws {
        let destination = try Destination()
        let link = try filled(destination)
        try destination.eye.execute("ALTER TABLE public.t1 ADD FOREIGN KEY (id) REFERENCES public.t0 (id)")
        try link.storeOpen(shape) { $0.insert([2, "before"]) }
        try link.transactor.truncate([0, 1, 2, 3])
        try link.storeOpen(shape) { $0.insert([3, "after"]) }
        try link.commit()
        #expect(try destination.rows("SELECT id, name FROM public.t0") == ["3|after"])
        #expect(try destination.rows("SELECT id FROM public.t1") == [])
        #expect(try destination.rows("SELECT id, \"_meta/op\" FROM public.t2") == ["1|d"])
        #expect(try destination.rows("SELECT id FROM public.t3") == ["1"])
    }

    @Test("a table that others refer to, or that may not be truncated, is emptied row by row")
    func withoutTruncate() throws {
        let destination = try Destination()
        let link = try filled(destination)
        try destination.eye.execute(
            "CREATE TABLE public.mine (id int REFERENCES public.t0 (id) ON DELETE CASCADE)")
        try link.transactor.truncate([0, 1])
        try link.commit()
        #expect(try destination.rows("SELECT id FROM public.t0 UNION ALL SELECT id FROM public.t1") == [])
    }
}

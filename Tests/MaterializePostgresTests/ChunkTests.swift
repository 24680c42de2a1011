import Connectors
import Postgres
import Testing

@testable import MaterializePostgres

@Suite("backfill chunks")
struct ChunkTests {
    let shape = TableShape.test([
        .test("id", "integer", oid: 23, key: true, binary: true),
        .test("name", "text", oid: 25, toast: true, binary: true),
        .test("amount", "numeric", oid: 1700, toast: true, binary: true),
    ])

    /// Copies a query's rows from the destination's own server as a source would send them.
    private func copy(
        _ destination: Destination, _ sql: String, into writer: any ChunkWriter, _ format: RowFormat
    ) throws {
        var isBinary = false
        if case .binary = format { isBinary = true }
        let source = try Connection(destination.parameters)
        var rows = 0
        _ = try source.copyOut("COPY (\(raw: sql)) TO STDOUT\(raw: isBinary ? " (FORMAT binary)" : "")") { row in
            var row = row
            if isBinary {
                // The source takes the header off the first row and drops the trailer.
                if rows == 0 { row = UnsafeRawBufferPointer(rebasing: row.dropFirst(19)) }
                if row.count <= 2 { return true }
            }
            rows += 1
            return (try? writer.write(row)) != nil
        }
    }

    private let sample =
        "SELECT g, CASE WHEN g % 7 = 0 THEN NULL ELSE repeat('aé\\' || chr(10) || chr(9), g % 50) END, g / 3.0 "
        + "FROM generate_series(1, 20000) g"

    @Test("rows go through in binary where both ends agree, else as text; both arrive equal", arguments: [false, true])
    func formats(binary: Bool) throws {
        let destination = try Destination()
        if !binary { try destination.eye.execute("CREATE TABLE public.orders (id bigint, name text, amount numeric)") }
        let link = try TestLink(destination, shape, willBackfill: true)
        let writer = try link.transactor.chunkWriter()
        let format = try writer.begin(0, shape: shape, position: .zero, firstSequence: 0)
        if case .binary = format { #expect(binary) } else { #expect(!binary) }
        try copy(destination, sample, into: writer, format)
        try writer.finishRows()
        try writer.commit(0, state: BindingCheckpoint(phase: .streaming, rows: 20000), isLast: true)
        writer.close()
        #expect(
            try destination.value(
                "SELECT count(*) FROM (SELECT id, name, amount FROM public.orders EXCEPT ALL \(raw: sample)) d") == "0")
        #expect(
            try destination.rows("SELECT count(*), (SELECT rows FROM flow.bindings) FROM public.orders") == [
                "20000|20000"
            ])
    }

    @Test("a soft-deleting table keeps its operation by default, and takes rows in binary all the same")
    func softBinary() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape, willBackfill: true) { binding in
            binding.deletes = .soft
        }
        let writer = try link.transactor.chunkWriter()
        let format = try writer.begin(0, shape: shape, position: .zero, firstSequence: 0)
        guard case .binary = format else {
            Issue.record("text was asked for")
            return
        }
        try copy(destination, "SELECT 1, 'a'::text, 2::numeric", into: writer, format)
        try writer.finishRows()
        try writer.commit(0, state: BindingCheckpoint(phase: .backfilling), isLast: false)
        #expect(try destination.rows("SELECT * FROM public.orders") == ["1|a|2|r"])
    }

    @Test("excluded fields are taken out of the lines, the first, the last and any between")
    func excludedFields() throws {
        let destination = try Destination()
        let shape = TableShape.test([
            .text("first"), .int("id", key: true), .text("between"), .text("b"), .text("last"),
        ])
        let link = try TestLink(destination, shape, willBackfill: true) {
            $0.excludedFields = ["first", "between", "last"]
        }
        try link.chunk(["x\\ty\t1\tz\tb1\tw", "\t2\t\\N\t\\N\t"], shape: shape, isLast: true)
        #expect(try destination.rows("SELECT * FROM public.orders ORDER BY id") == ["1|b1", "2|~"])
    }

    @Test("changes on top of a chunk are in its commit, with the key made or not", arguments: [false, true])
    func changesOnTop(isLast: Bool) throws {
        let destination = try Destination()
        let shape = TableShape.test([.int("id", key: true), .text("name"), .text("big")])
        let link = try TestLink(destination, shape, willBackfill: true)
        let writer = try link.transactor.chunkWriter()
        _ = try writer.begin(0, shape: shape, position: .zero, firstSequence: 0)
        for line in ["1\ta\tx", "2\tb\ty", "3\tc\tz"] {
            try Array((line + "\n").utf8).withUnsafeBytes { try writer.write($0) }
        }
        try writer.finishRows()
        var rows = RowBuilder()
        rows.update([1, "held", .left])
        rows.delete([2, nil, nil])
        rows.insert([4, "new", nil])
        rows.update([5, "moved", .left], movedFrom: [3, nil, nil])
        rows.delete([3, nil, nil])
        let pool = rows.finished()
        try writer.store(rows.changes, binding: 0, shape: shape, rows: pool)
        #expect(try destination.value("SELECT count(*) FROM public.orders") == "0")
        try writer.commit(0, state: BindingCheckpoint(phase: .backfilling), isLast: isLast)
        #expect(
            try destination.rows("SELECT * FROM public.orders ORDER BY id") == ["1|held|x", "4|new|~", "5|moved|z"])
        try link.store(shape) { rows in rows.update([1, "streamed", .left]) }
        #expect(try destination.value("SELECT name || big FROM public.orders WHERE id = 1") == "streamedx")
    }

    @Test("an abandoned chunk leaves nothing, at whichever point, and its writer takes the next one", arguments: 0..<4)
    func abandoned(point: Int) throws {
        let destination = try Destination()
        let shape = TableShape.test([.int("id", key: true), .text("name")])
        let link = try TestLink(destination, shape, willBackfill: true)
        let writer = try link.transactor.chunkWriter()
        func begin(_ id: Int) throws {
            _ = try writer.begin(0, shape: shape, position: .zero, firstSequence: 0)
            try Array("\(id)\tname\n".utf8).withUnsafeBytes { try writer.write($0) }
        }
        func changes() throws {
            var rows = RowBuilder()
            for id in 100..<300 { rows.insert([.text("\(id)"), "x"]) }
            let pool = rows.finished()
            try writer.store(rows.changes, binding: 0, shape: shape, rows: pool)
        }
        if point > 0 { try begin(1) }
        if point > 1 { try writer.finishRows() }
        if point > 2 { try changes() }
        writer.abandon()
        try begin(2)
        try writer.finishRows()
        try changes()
        try writer.commit(0, state: BindingCheckpoint(phase: .streaming), isLast: true)
        #expect(try destination.rows("SELECT min(id), count(*) FROM public.orders") == ["2|201"])
    }

    @Test("a row that the destination can't take names its table, and the writer can go on after it")
    func badRow() throws {
        let destination = try Destination()
        let shape = TableShape.test([.int("id", key: true), .text("name")])
        let link = try TestLink(destination, shape, willBackfill: true)
        let writer = try link.transactor.chunkWriter()
        _ = try writer.begin(0, shape: shape, position: .zero, firstSequence: 0)
        try Array("secret\tname\n".utf8).withUnsafeBytes { try writer.write($0) }
        let error = #expect(throws: RunError.self) { try writer.finishRows() }
        #expect(error?.object == "table public.orders")
        #expect(error?.message == "a value of column \"id\" is none of the column's type")
        writer.abandon()
        _ = try writer.begin(0, shape: shape, position: .zero, firstSequence: 0)
        try Array("1\tname\n".utf8).withUnsafeBytes { try writer.write($0) }
        try writer.finishRows()
        try writer.commit(0, state: BindingCheckpoint(phase: .streaming), isLast: true)
        #expect(try destination.value("SELECT count(*) FROM public.orders") == "1")
    }

    @Test("duplicates that a source without a key let in are found as the key is made, and named")
    func duplicates() throws {
        let destination = try Destination()
        let shape = TableShape.test([.int("id", key: true), .text("name")])
        let link = try TestLink(destination, shape, willBackfill: true)
        let error = #expect(throws: RunError.self) { try link.chunk(["7\ta", "7\tb"], shape: shape, isLast: true) }
        #expect(error?.sqlState == "23505")
        #expect(error?.kind == .needsOperator)
        #expect(try destination.value("SELECT count(*) FROM public.orders") == "0")
    }

    @Test("a killed backend of a chunk loses the chunk and its state together")
    func killed() throws {
        let destination = try Destination()
        let shape = TableShape.test([.int("id", key: true), .text("name")])
        let link = try TestLink(destination, shape, willBackfill: true)
        let writer = try link.transactor.chunkWriter()
        _ = try writer.begin(0, shape: shape, position: .zero, firstSequence: 0)
        try Array("1\tname\n".utf8).withUnsafeBytes { try writer.write($0) }
        try writer.finishRows()
        try destination.eye.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in%'
            """)
        let error = #expect(throws: RunError.self) {
            try writer.commit(0, state: BindingCheckpoint(phase: .streaming), isLast: true)
        }
        #expect(error?.kind == .transient)
        writer.abandon()
        writer.close()
        #expect(
            try destination.rows("SELECT count(*), (SELECT phase FROM flow.bindings) FROM public.orders") == [
                "0|pending"
            ])
    }

    @Test(
        "rows that took values of another unique index from rows that the log has yet to change wait for it, with changes on top",
        arguments: [false, true])
    func exchangedWhileCopied(isReadAgain: Bool) throws {
        let destination = try Destination()
        try destination.eye.execute("CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int UNIQUE)")
        let shape = TableShape.test([.int("id", key: true), .text("name"), .int("rank")])
        let link = try TestLink(destination, shape, willBackfill: true) { $0.deletes = .soft }
        try link.chunk(["1\ta\t1", "2\tb\t2"], shape: shape)
        if isReadAgain { try link.chunk(["3\tc\t3", "4\td\t4", "5\te\t5"], shape: shape) }
        let writer = try link.transactor.chunkWriter()
        defer { writer.close() }
        // The source has exchanged the ranks of 1 and 3, and the log has yet to say so; then 3 and 4 take each other's.
        _ = try writer.begin(
            0, shape: shape, position: LogPosition(300), firstSequence: 1, isOverlay: isReadAgain)
        #expect(writer.awaitsLog)
        for line in ["3\tc\t1\n", "4\td\t4\n", "5\te\t5\n"] {
            try Array(line.utf8).withUnsafeBytes { try writer.write($0) }
        }
        try writer.finishRows()
        if isReadAgain {
            try link.store(shape) { set in
                set.update([1, .left, 3])
                set.update([3, .left, 1])
            }
        } else {
            try link.store(shape) { $0.update([1, .left, 3]) }
        }
        try writer.merge(0)
        var held = RowBuilder()
        held.update([3, .left, 4])
        held.update([4, .left, 1])
        held.delete([5, nil, nil])
        held.insert([6, "f", 6])
        let pool = held.finished()
        try writer.store(held.changes, binding: 0, shape: shape, rows: pool)
        try writer.commit(0, state: BindingCheckpoint(phase: .streaming), isLast: true)
        #expect(
            try destination.rows("SELECT id, name, rank, \"_meta/op\" = 'd' FROM public.orders ORDER BY id") == [
                "1|a|3|f", "2|b|2|f", "3|c|4|f", "4|d|1|f", "5|e|5|t", "6|f|6|f",
            ])
        link.close()
    }

    @Test("a table with another unique index is adopted, whatever values its rows had", arguments: [false, true])
    func adoptedUnique(isStreamed: Bool) throws {
        let destination = try Destination()
        try destination.eye.execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int UNIQUE);
            INSERT INTO public.orders SELECT i, 'old', 201 - i FROM generate_series(11, 190) i; INSERT INTO public.orders VALUES (999, 'gone', 7)
            """)
        let shape = TableShape.test([.int("id", key: true), .text("name"), .int("rank")])
        let link = try TestLink(destination, shape, willBackfill: true) { $0.adopts = true }
        try link.chunk((1...10).map { "\($0)\tn\t\($0)" }, shape: shape)
        if isStreamed {
            try link.store(shape) { set in
                set.update([1, .left, 2])
                set.update([2, .left, 1])
                set.update([3, .left, 150])
            }
        }
        let rest = (11...200).map { "\($0)\tn\t\(isStreamed && $0 == 150 ? 3 : $0)" }
        try link.chunk(rest, shape: shape, isLast: true)
        #expect(
            try destination.rows("SELECT count(*), sum(rank), min(name), max(name) FROM public.orders") == [
                "200|20100|n|n"
            ])
        #expect(try destination.rows("SELECT count(*) FROM public.orders WHERE rank <> id") == [isStreamed ? "4" : "0"])
        link.close()
    }
}

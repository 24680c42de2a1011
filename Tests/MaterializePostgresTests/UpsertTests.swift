import Connectors
import Postgres
import Testing

@testable import MaterializePostgres

/// Sets of two sizes take different ways to the same end; so do servers without MERGE and tables without their key.
enum Way: String, CaseIterable, CustomTestStringConvertible {
    case each, staged, withoutMerge, withoutKey

    var testDescription: String { rawValue }
}

@Suite("sets of changes in an upsert table")
struct UpsertTests {
    let shape = TableShape.test([.int("id", key: true), .text("name"), .text("big")])

    /// A link whose sets take the way: the table has rows 1 to 5.
    private func link(_ destination: Destination, _ way: Way, _ change: (inout LinkBinding) -> Void = { _ in }) throws
        -> TestLink
    {
        let link = try TestLink(
            destination, shape, avoidsMerge: way == .withoutMerge, willBackfill: way == .withoutKey, change)
        if way == .withoutKey {
            try link.chunk((1...5).map { "\($0)\tn\($0)\tb\($0)" }, shape: shape)
        } else {
            try link.store(shape) { rows in
                for id in 1...5 { rows.insert([.text("\(id)"), .text("n\(id)"), .text("b\(id)")]) }
            }
        }
        return link
    }

    /// Stores changes, padded with rows from 1000 on where the way needs a large set; returns the other rows.
    private func apply(
        _ way: Way, _ destination: Destination, _ link: TestLink, _ build: (inout RowBuilder) -> Void
    ) throws -> [String] {
        try link.store(shape) { rows in
            build(&rows)
            guard way != .each else { return }
            for id in 1000..<1100 { rows.insert([.text("\(id)"), "pad", "pad"]) }
        }
        return try destination.rows("SELECT id, name, big FROM public.orders WHERE id < 1000 ORDER BY id")
    }

    @Test("inserts, updates and deletes come to the source's rows", arguments: Way.allCases)
    func mixed(_ way: Way) throws {
        let destination = try Destination()
        let link = try link(destination, way)
        let rows = try apply(way, destination, link) { rows in
            rows.insert([6, "n6", nil])
            rows.update([1, "new", ""])
            rows.update([7, "not there before", "b7"])
            rows.delete([2, nil, nil])
            rows.delete([99, nil, nil])
        }
        #expect(rows == ["1|new|", "3|n3|b3", "4|n4|b4", "5|n5|b5", "6|n6|~", "7|not there before|b7"])
    }

    @Test("a column that an update left out keeps the destination's value", arguments: Way.allCases)
    func unchangedColumns(_ way: Way) throws {
        let destination = try Destination()
        let link = try link(destination, way)
        let rows = try apply(way, destination, link) { rows in
            rows.update([1, "x", .left])
            rows.update([2, .left, "y"])
            rows.update([3, .left, .left])
            rows.update([4, nil, nil])
        }
        #expect(rows == ["1|x|b1", "2|n2|y", "3|n3|b3", "4|~|~", "5|n5|b5"])
    }

    @Test("two rows that swap keys keep their left-out values", arguments: Way.allCases)
    func swap(_ way: Way) throws {
        let destination = try Destination()
        let link = try link(destination, way)
        let rows = try apply(way, destination, link) { rows in
            rows.update([2, "was 1", .left], movedFrom: [1, nil, nil])
            rows.update([1, "was 2", .left], movedFrom: [2, nil, nil])
            rows.update([9, .left, "new"], movedFrom: [3, nil, nil])
            rows.delete([3, nil, nil])
            rows.update([4, "x", .left])
        }
        #expect(rows == ["1|was 2|b2", "2|was 1|b1", "4|x|b4", "5|n5|b5", "9|n3|new"])
    }

    @Test(
        "an update that leaves columns out of a row that the destination lacks stops, and stores nothing",
        arguments: Way.allCases, [false, true])
    func divergence(_ way: Way, moved: Bool) throws {
        let destination = try Destination()
        let link = try link(destination, way)
        let error = #expect(throws: RunError.self) {
            _ = try apply(way, destination, link) { rows in
                rows.update([1, "x", .left])
                rows.update([50, "y", .left], movedFrom: moved ? [49, nil, nil] : nil)
            }
        }
        #expect(error?.kind == .needsOperator)
        #expect(error?.object == "table public.orders")
        #expect(error?.hint?.contains("raise `backfill`") == true)
        link.transactor.rollback()
        #expect(try destination.value("SELECT name FROM public.orders WHERE id = 1") == "n1")
        #expect(try destination.value("SELECT count(*) FROM public.orders") == "5")
    }

    @Test("soft deletes flag the row, keep its values, and store a last image", arguments: Way.allCases)
    func softDeletes(_ way: Way) throws {
        let destination = try Destination()
        let link = try link(destination, way) { $0.deletes = .soft }
        _ = try apply(way, destination, link) { rows in
            rows.delete([1, nil, nil])
            rows.delete([2, nil, nil], image: [2, "last", .left])
            rows.delete([8, nil, nil], image: [8, "short", "life"])
            rows.delete([77, nil, nil])
            rows.update([3, "u", .left])
            rows.insert([6, "n6", "b6"])
        }
        let rows = try destination.rows(
            """
            SELECT id, name, big, "_meta/op" FROM public.orders WHERE id < 1000 ORDER BY id
            """)
        let first = way == .withoutKey ? "r" : "c"
        #expect(
            rows == [
                "1|n1|b1|d", "2|last|b2|d", "3|u|b3|u", "4|n4|b4|\(first)", "5|n5|b5|\(first)", "6|n6|b6|c",
                "8|short|life|d",
            ])
    }

    @Test("ignored deletes leave rows, and a moved key leaves the old row", arguments: Way.allCases)
    func ignoredDeletes(_ way: Way) throws {
        let destination = try Destination()
        let link = try link(destination, way) { $0.deletes = .ignore }
        let rows = try apply(way, destination, link) { rows in
            rows.delete([1, nil, nil])
            rows.delete([2, nil, nil])
            rows.update([20, "moved", .left], movedFrom: [2, nil, nil])
        }
        #expect(rows == ["1|n1|b1", "2|n2|b2", "20|moved|b2", "3|n3|b3", "4|n4|b4", "5|n5|b5"].sorted(by: idOrder))
    }

    private func idOrder(_ left: String, _ right: String) -> Bool {
        (Int(left.prefix { $0 != "|" }) ?? 0) < (Int(right.prefix { $0 != "|" }) ?? 0)
    }

    @Test("a set of new rows is copied, and one of which a row is there after all is stored all the same")
    func directCopy() throws {
        let destination = try Destination()
        let link = try link(destination, .staged)
        try link.store(shape) { rows in
            for id in 100..<300 { rows.insert([.text("\(id)"), "a", "b"]) }
        }
        #expect(try destination.value("SELECT count(*) FROM public.orders") == "205")
        try link.store(shape) { rows in
            for id in 290..<400 { rows.insert([.text("\(id)"), "new", nil]) }
        }
        try link.store(shape) { rows in
            for id in 390..<500 { rows.insert([.text("\(id)"), "newer", nil]) }
        }
        #expect(
            try destination.rows(
                "SELECT count(*), min(name), count(*) FILTER (WHERE name = 'newer') FROM public.orders")
                == ["405|a|110"])
    }

    @Test("several sets of one transaction follow each other, small ones and large ones in turn")
    func setsInTurn() throws {
        let destination = try Destination()
        let link = try link(destination, .staged)
        try link.storeOpen(shape) { rows in rows.update([1, "small", .left]) }
        try link.storeOpen(shape) { rows in
            for id in 1...200 { rows.update([.text("\(id)"), .text("large \(id)"), "b"]) }
        }
        try link.storeOpen(shape) { rows in
            rows.update([1, .left, "after"])
            rows.delete([2, nil, nil])
        }
        try link.storeOpen(shape) { rows in
            for id in 3...200 { rows.update([.text("\(id)"), .left, "again"]) }
        }
        #expect(try destination.value("SELECT count(*) FROM public.orders") == "5")
        try link.commit()
        #expect(
            try destination.rows("SELECT id, name, big FROM public.orders WHERE id < 5 ORDER BY id")
                == ["1|large 1|after", "3|large 3|again", "4|large 4|again"])
        #expect(try destination.value("SELECT count(*) FROM public.orders") == "199")
    }

    @Test("a key that differs as text only moves its row", arguments: Way.allCases)
    func numericKeys(_ way: Way) throws {
        let destination = try Destination()
        let shape = TableShape.test([.test("id", "numeric", oid: 1700, key: true), .text("name"), .text("big")])
        let link = try TestLink(
            destination, shape, avoidsMerge: way == .withoutMerge, willBackfill: way == .withoutKey)
        if way == .withoutKey {
            try link.chunk(["1.0\tn1\tb1", "2\tn2\tb2"], shape: shape)
        } else {
            try link.store(shape) { rows in
                rows.insert(["1.0", "n1", "b1"])
                rows.insert(["2", "n2", "b2"])
            }
        }
        try link.store(shape) { rows in
            rows.delete(["1.0", nil, nil])
            rows.update(["1.00", "moved", .left], movedFrom: ["1.0", nil, nil])
            rows.update(["2.000", "same row", .left])
            guard way != .each else { return }
            for id in 1000..<1100 { rows.insert([.text("\(id)"), "pad", "pad"]) }
        }
        #expect(
            try destination.rows("SELECT id, name, big FROM public.orders WHERE id < 1000 ORDER BY id")
                == ["1.00|moved|b1", "2.000|same row|b2"])
    }

    @Test("tables of key columns only take sets of every size", arguments: Way.allCases)
    func keyOnly(_ way: Way) throws {
        let destination = try Destination()
        let shape = TableShape.test([.int("a", key: true), .int("b", key: true)])
        let link = try TestLink(
            destination, shape, key: ["a", "b"], avoidsMerge: way == .withoutMerge, willBackfill: way == .withoutKey)
        try link.store(shape) { rows in
            rows.insert([1, 1])
            rows.insert([1, 2])
        }
        try link.store(shape) { rows in
            rows.update([1, 1])
            rows.delete([1, 2])
            rows.update([2, 2])
            guard way != .each else { return }
            for id in 1000..<1100 { rows.insert([.text("\(id)"), 1]) }
        }
        #expect(
            try destination.rows("SELECT a, b FROM public.orders WHERE a < 1000 ORDER BY a, b") == ["1|1", "2|2"])
    }
}

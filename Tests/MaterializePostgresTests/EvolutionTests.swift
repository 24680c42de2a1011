import Connectors
import Postgres
import Testing

@testable import MaterializePostgres

@Suite("tables that change with their source")
struct EvolutionTests {
    let shape = TableShape.test([
        .int("id", key: true), .text("name"), .test("code", "character varying(5)", oid: 1043, toast: true),
    ])

    private func opened(_ destination: Destination, _ change: (inout LinkBinding) -> Void = { _ in }) throws -> TestLink
    {
        let link = try TestLink(destination, shape, change)
        try link.store(shape) { rows in
            rows.insert([1, "a", "x"])
            rows.insert([2, "b", "y"])
        }
        return link
    }

    private func columns(_ destination: Destination) throws -> [String] {
        try destination.rows(
            """
            SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END
              FROM pg_attribute WHERE attrelid = 'public.orders'::regclass AND attnum > 0 AND NOT attisdropped
             ORDER BY attnum
            """)
    }

    private func rows(_ destination: Destination) throws -> [String] {
        try destination.rows("SELECT * FROM public.orders ORDER BY id")
    }

    /// The shape with changed columns.
    private func changed(_ change: (inout [ColumnShape]) -> Void) -> TableShape {
        var columns = shape.columns
        change(&columns)
        return TableShape(table: 0, namespace: "public", name: "orders", columns: columns)
    }

    @Test("an added column gives older rows the value that the source gave them, and is stored from then on")
    func addedColumn() throws {
        let destination = try Destination()
        let link = try opened(destination)
        let new = changed { columns in
            var state = ColumnShape.test("state", "text", oid: 25, toast: true, notNull: true)
            state.attribute = 4
            state.missingValue = "it's \\new"
            columns.append(state)
            var other = ColumnShape.int("Other")
            other.attribute = 5
            columns.append(other)
        }
        // In one transaction: a row of the old shape, the change, rows of the new one; nothing is seen before the commit.
        try link.storeOpen(shape) { rows in rows.update([1, "old shape", .left]) }
        let ran = try link.transactor.evolve(0, to: new)
        #expect(
            ran == [
                "ALTER TABLE \"public\".\"orders\" ADD COLUMN \"state\" text DEFAULT E'it''s \\\\new' NOT NULL, "
                    + "ADD COLUMN \"Other\" integer"
            ])
        try link.storeOpen(new) { rows in rows.insert([3, "c", nil, "open", 7]) }
        try link.storeOpen(new) { rows in for id in 4..<104 { rows.insert([.text("\(id)"), "c", nil, "bulk", nil]) } }
        try link.storeOpen(new) { rows in rows.update([2, .left, "z", .left, 8]) }
        try link.commit()
        #expect(
            try destination.rows("SELECT * FROM public.orders WHERE id < 4 ORDER BY id")
                == ["1|old shape|x|it's \\new|~", "2|b|z|it's \\new|8", "3|c|~|open|7"])
        #expect(try columns(destination).suffix(2) == ["state text not null", "Other integer"])
        #expect(try destination.value("SELECT shape #>> '{columns,3,name}' FROM flow.bindings") == "state")
    }

    @Test("a change that is rolled back leaves the old shape, here and in the destination")
    func rolledBack() throws {
        let destination = try Destination()
        let link = try opened(destination)
        let new = changed { $0.append(.test("more", "integer", oid: 23)) }
        for id in 0..<2 {
            _ = try link.transactor.evolve(0, to: new)
            try link.storeOpen(new) { rows in for id in 100..<300 { rows.update([.text("\(id)"), "n", nil, 1]) } }
            link.transactor.rollback()
            #expect(try columns(destination).count == 3)
            try link.store(shape) { rows in rows.update([1, .text("old \(id)"), nil]) }
            try link.store(shape) { rows in for id in 100..<300 { rows.update([.text("\(id)"), "n", nil]) } }
        }
        #expect(try rows(destination).first == "1|old 1|~")
    }

    @Test("a dropped column stays and takes no values; its NOT NULL goes")
    func droppedColumn() throws {
        let destination = try Destination()
        let link = try opened(destination)
        try destination.eye.execute("ALTER TABLE public.orders ALTER COLUMN name SET NOT NULL")
        let new = changed { $0.remove(at: 1) }
        let ran = try link.transactor.evolve(0, to: new)
        #expect(ran == ["ALTER TABLE \"public\".\"orders\" ALTER COLUMN \"name\" DROP NOT NULL"])
        try link.store(new) { rows in
            rows.update([1, "z"])
            rows.insert([3, "w"])
        }
        #expect(try rows(destination) == ["1|a|z", "2|b|y", "3|~|w"])
    }

    @Test("a column dropped and added again is another one: the old values are not taken for its own")
    func readdedColumn() throws {
        let destination = try Destination()
        let link = try opened(destination)
        let without = changed { $0.remove(at: 1) }
        _ = try link.transactor.evolve(0, to: without)
        try link.commit()
        link.close()
        let again = try TestLink(destination, without)
        var readded = ColumnShape.text("name")
        readded.attribute = 9
        let new = changed { $0[1] = readded }
        let error = #expect(throws: RunError.self) { try again.transactor.evolve(0, to: new) }
        #expect(error?.kind == .needsOperator)
        #expect(error?.hint?.contains("\"name\"") == true)
        again.transactor.rollback()
        // The same column coming back (an older shape was replayed) is welcome.
        #expect(try again.transactor.evolve(0, to: shape) == [])
        again.transactor.rollback()
        try destination.eye.execute("ALTER TABLE public.orders DROP COLUMN name")
        #expect(
            try again.transactor.evolve(0, to: new) == ["ALTER TABLE \"public\".\"orders\" ADD COLUMN \"name\" text"])
    }

    @Test("renamed columns are renamed, also where two swap their names")
    func renamedColumns() throws {
        let destination = try Destination()
        let link = try opened(destination)
        let new = changed { columns in
            columns[1].name = "code"
            columns[2].name = "name"
        }
        let ran = try link.transactor.evolve(0, to: new)
        #expect(ran.count == 3)
        try link.store(new) { rows in rows.update([2, .left, "five"]) }
        #expect(try columns(destination) == ["id integer not null", "code text", "name character varying(5)"])
        #expect(try rows(destination) == ["1|a|x", "2|b|five"])
        // Rows that a reader of an older shape still sends find their columns by number.
        try link.store(shape) { rows in rows.update([1, "was name", "wasco"]) }
        #expect(try rows(destination) == ["1|was name|wasco", "2|b|five"])
    }

    @Test("a name that another column of the destination has can't be taken by a renamed one")
    func renameConflict() throws {
        let destination = try Destination()
        let link = try opened(destination)
        try destination.eye.execute("ALTER TABLE public.orders ADD COLUMN title text")
        let error = #expect(throws: RunError.self) {
            try link.transactor.evolve(0, to: changed { $0[1].name = "title" })
        }
        #expect(error?.message.contains("\"title\"") == true)
    }

    @Test("types are widened and NOT NULL is relaxed; the key's column too")
    func widened() throws {
        let destination = try Destination()
        let link = try opened(destination)
        try destination.eye.execute("ALTER TABLE public.orders ALTER COLUMN code SET NOT NULL")
        let new = changed { columns in
            columns[0].type = "bigint"
            columns[2].type = "character varying(50)"
        }
        let ran = try link.transactor.evolve(0, to: new)
        #expect(
            ran == [
                "ALTER TABLE \"public\".\"orders\" ALTER COLUMN \"id\" TYPE bigint, "
                    + "ALTER COLUMN \"code\" TYPE character varying(50), ALTER COLUMN \"code\" DROP NOT NULL"
            ])
        try link.store(new) { rows in rows.insert([.text("9999999999"), nil, "longer than five"]) }
        try link.store(new) { rows in rows.update([.text("9999999999"), "n", nil]) }
        #expect(try rows(destination).last == "9999999999|n|~")
    }

    @Test("what can't be done without loss is refused with the reason, and nothing is changed")
    func refused() throws {
        let destination = try Destination()
        let link = try opened(destination)
        for (change, words) in [
            ({ $0[1].type = "integer" }, ["\"name\"", "integer", "text"]),
            ({ $0[2].type = "character varying(3)" }, ["\"code\"", "character varying(3)"]),
            ({ $0.remove(at: 0) }, ["\"id\"", "key"]),
            ({ $0[0].isIdentity = false }, ["\"id\"", "replica identity"]),
        ] as [((inout [ColumnShape]) -> Void, [String])] {
            let error = #expect(throws: RunError.self) { try link.transactor.evolve(0, to: changed(change)) }
            link.transactor.rollback()
            #expect(error?.kind == .needsOperator)
            for word in words { #expect(error?.message.contains(word) == true, "\(String(describing: error))") }
        }
        #expect(
            try columns(destination) == ["id integer not null", "name text", "code character varying(5)"])
        // What an operator has changed by hand is taken as it is.
        try destination.eye.execute("ALTER TABLE public.orders ALTER COLUMN code TYPE varchar(3)")
        #expect(try link.transactor.evolve(0, to: changed { $0[2].type = "character varying(3)" }) == [])
    }

    @Test("with schemaEvolution none a missing column is named, with the SQL to run")
    func noEvolution() throws {
        let destination = try Destination()
        try opened(destination).close()
        let link = try TestLink(
            destination.materialization { $0.schemaEvolution = .none }, [(.test(shape), shape)])
        let new = changed { $0.append(.test("more", "integer", oid: 23)) }
        let error = #expect(throws: RunError.self) { try link.transactor.evolve(0, to: new) }
        #expect(error?.message.contains("\"more\"") == true)
        #expect(error?.hint == "run: ALTER TABLE \"public\".\"orders\" ADD COLUMN \"more\" integer")
        link.transactor.rollback()
        try destination.eye.execute("ALTER TABLE public.orders ADD COLUMN more integer")
        #expect(try link.transactor.evolve(0, to: new) == [])
        try link.store(new) { rows in rows.update([1, .left, "x", 5]) }
        #expect(try rows(destination).first == "1|a|x|5")
    }

    @Test("a source that changed while nothing ran: rows of the old shape come first, then those of the new one")
    func changedWhileStopped() throws {
        let destination = try Destination()
        try opened(destination).close()
        let new = changed { columns in
            columns[1].name = "title"
            columns.append(.test("more", "integer", oid: 23))
            columns[3].attribute = 4
        }
        let link = try TestLink(destination, new)
        #expect(try columns(destination).count == 3)
        // The stream tells the old shape before it shows the first of its rows.
        #expect(try link.transactor.evolve(0, to: shape) == [])
        try link.store(shape) { rows in rows.update([1, "old", "o"]) }
        #expect(try link.transactor.evolve(0, to: new).count == 2)
        try link.store(new) { rows in rows.update([2, .left, "n", 4]) }
        #expect(try rows(destination) == ["1|old|o|~", "2|b|n|4"])
        #expect(try columns(destination)[1] == "title text")
    }

    @Test("a source that changed while nothing ran, and the first row is of the new shape")
    func changedWhileStoppedDirectly() throws {
        let destination = try Destination()
        try opened(destination).close()
        let new = changed { columns in
            columns[1].name = "title"
            columns.append(.test("more", "integer", oid: 23))
        }
        let link = try TestLink(destination, new)
        try link.store(new) { rows in rows.update([2, .left, "n", 4]) }
        #expect(try rows(destination) == ["1|a|x|~", "2|b|n|4"])
        link.close()
        _ = try TestLink(destination, new)
        #expect(try columns(destination)[1] == "title text")
    }

    @Test(
        "a table that is still being filled keeps its shape as it is attached, for rows of then, and takes the new one later"
    )
    func changedWhileFilling() throws {
        let destination = try Destination()
        let first = try TestLink(destination, shape, willBackfill: true)
        try first.chunk(["1\ta\tx"], shape: shape)
        first.close()
        var more = ColumnShape.int("more")
        more.attribute = 4
        let new = changed { $0.append(more) }
        let link = try TestLink(destination, new)
        #expect(link.transactor.behind == [0])
        try link.store(shape) { rows in rows.update([1, "before", "z"]) }
        _ = try link.transactor.evolve(0, to: new)
        #expect(link.transactor.behind.isEmpty)
        try link.storeOpen(shape) { rows in rows.update([1, "behind", "z"]) }
        try link.commit()
        try link.chunk(["2\tb\ty\t5"], shape: new)
        try link.chunk(["3\tc\tw\t6"], shape: new, isLast: true)
        try link.store(shape) { rows in rows.update([2, .left, "z"]) }
        #expect(try rows(destination) == ["1|behind|z|~", "2|b|z|5", "3|c|w|6"])
    }

    @Test("a delta table gets its columns without NOT NULL")
    func deltaTable() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape) { $0.mode = .insert }
        var more = ColumnShape.test("more", "integer", oid: 23, notNull: true)
        more.attribute = 4
        more.missingValue = "5"
        let new = changed { $0.append(more) }
        try link.storeOpen(shape) { rows in rows.log(.create, [1, "a", "x"], position: "0/1", sequence: 0) }
        let ran = try link.transactor.evolve(0, to: new)
        #expect(ran == ["ALTER TABLE \"public\".\"orders\" ADD COLUMN \"more\" integer DEFAULT '5'"])
        try link.store(new) { rows in rows.log(.delete, [1, nil, nil, nil], position: "0/2", sequence: 0) }
        #expect(
            try destination.rows("SELECT id, name, more, \"_meta/op\" FROM public.orders ORDER BY \"_meta/source/lsn\"")
                == ["1|a|5|c", "1|~|~|d"])
    }

    @Test("an excluded field stays excluded, whatever happens to it")
    func excluded() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape) { $0.excludedFields = ["code"] }
        try link.store(shape) { rows in rows.update([1, "a", .left]) }
        let new = changed { columns in
            columns[2].type = "integer"
            columns.append(.text("more"))
        }
        _ = try link.transactor.evolve(0, to: new)
        try link.store(new) { rows in rows.update([2, "b", .left, "m"]) }
        #expect(try columns(destination) == ["id integer not null", "name text", "more text"])
        #expect(try rows(destination) == ["1|a|~", "2|b|m"])
    }
}

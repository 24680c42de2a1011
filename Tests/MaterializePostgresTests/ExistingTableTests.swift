import Connectors
import JSON
import Postgres
import Testing

@testable import MaterializePostgres

/// Tables that somebody made before flowctl came, with all that tables can have.
@Suite("tables that are there")
struct ExistingTableTests {
    private let shape = TableShape.test([.int("id", key: true), .text("name"), .int("rank")])

    /// A link to `public.orders` as the statements made it.
    private func link(_ destination: Destination, _ statements: SQL) throws -> TestLink {
        try destination.eye.execute(statements)
        return try TestLink(destination, shape)
    }

    @Test(
        "two rows that exchange values of another unique index arrive, in sets of every size", arguments: [2, 100, 200])
    func exchangedUnique(rows: Int) throws {
        let destination = try Destination()
        let link = try link(
            destination,
            "CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int UNIQUE, UNIQUE (rank, id))")
        try link.store(shape) { set in
            for id in 1...rows { set.insert([.text("\(id)"), "a", .text("\(id)")]) }
        }
        // Everyone takes the next one's rank, the last one the first's; names of some are left out.
        try link.store(shape) { set in
            for id in 1...rows {
                set.update([.text("\(id)"), id % 3 == 0 ? .left : "b", .text("\(id % rows + 1)")])
            }
        }
        #expect(
            try destination.rows(
                "SELECT count(*) FROM public.orders WHERE rank = id % \(raw: "\(rows)") + 1 AND (name = 'a') = (id % 3 = 0)"
            )
                == ["\(rows)"])
        link.close()
    }

    @Test("values that are not the source's are not lost for the sake of another unique index: the run stops")
    func foreignValues() throws {
        let destination = try Destination()
        let link = try link(
            destination, "CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int UNIQUE, mine text)")
        try link.store(shape) { set in
            set.insert([1, "a", 1])
            set.insert([2, "a", 2])
        }
        try destination.eye.execute("UPDATE public.orders SET mine = 'kept'")
        let error = #expect(throws: RunError.self) {
            try link.store(shape) { set in
                set.update([1, "a", 2])
                set.update([2, "a", 1])
            }
        }
        #expect(error?.message.contains("orders_rank_key") == true)
        #expect(
            error?.hint?.contains(
                "ALTER TABLE \"public\".\"orders\" DROP CONSTRAINT \"orders_rank_key\", ADD CONSTRAINT \"orders_rank_key\" "
                    + "UNIQUE (rank) DEFERRABLE INITIALLY DEFERRED") == true, "\(String(describing: error))")
        link.transactor.rollback()
        #expect(
            try destination.rows("SELECT id, rank, mine FROM public.orders ORDER BY id") == ["1|1|kept", "2|2|kept"])
        link.close()
    }

    @Test("columns that only the destination has go with a row whose key moves", arguments: [0, 200], [false, true])
    func ownColumns(padding: Int, avoidsMerge: Bool) throws {
        let destination = try Destination()
        try destination.eye.execute(
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int, mine text DEFAULT 'new' NOT NULL,
              twice int GENERATED ALWAYS AS (id * 2) STORED, number int GENERATED ALWAYS AS IDENTITY, "_flow_op" text)
            """)
        let link = try TestLink(destination, shape, avoidsMerge: avoidsMerge)
        try link.store(shape) { set in
            for id in 1...6 { set.insert([.text("\(id)"), .text("n\(id)"), 1]) }
        }
        try destination.eye.execute("UPDATE public.orders SET mine = 'm' || id, _flow_op = 'o' || id")
        try link.store(shape) { set in
            set.delete([1, nil, nil], movedAway: true)
            set.update([10, "moved", 2], movedFrom: [1, nil, nil])
            set.delete([2, nil, nil], movedAway: true)
            set.update([20, .left, 2], movedFrom: [2, nil, nil])
            // Two that exchange their keys, one that is not there, one that is new.
            set.update([3, "was 4", 2], movedFrom: [4, nil, nil])
            set.update([4, .left, 2], movedFrom: [3, nil, nil])
            set.update([30, "was nowhere", 2], movedFrom: [99, nil, nil])
            set.insert([40, "new", 2])
            set.update([5, "stays", 2])
            for id in 1000..<1000 + padding { set.insert([.text("\(id)"), "pad", nil]) }
        }
        #expect(
            try destination.rows(
                "SELECT id, name, rank, mine, twice, _flow_op FROM public.orders WHERE id < 1000 ORDER BY id")
                == [
                    "3|was 4|2|m4|6|o4", "4|n3|2|m3|8|o3", "5|stays|2|m5|10|o5", "6|n6|1|m6|12|o6",
                    "10|moved|2|m1|20|o1", "20|n2|2|m2|40|o2", "30|was nowhere|2|new|60|~", "40|new|2|new|80|~",
                ])
        #expect(
            try destination.rows("SELECT number FROM public.orders WHERE id IN (10, 20) ORDER BY id") == ["1", "2"])
        link.close()
    }

    @Test(
        "what would change or leave out rows in silence is refused with the statement that mends it",
        arguments: [
            (
                "CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int GENERATED ALWAYS AS IDENTITY)",
                "SET GENERATED BY DEFAULT"
            ),
            (
                """
                CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int);
                CREATE RULE lost AS ON DELETE TO public.orders DO INSTEAD NOTHING
                """, "DROP RULE \"lost\" ON \"public\".\"orders\""
            ),
            (
                "CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int GENERATED ALWAYS AS (1) STORED)",
                "exclude the field"
            ),
        ])
    func refused(table: String, hint: String) throws {
        let destination = try Destination()
        let error = #expect(throws: RunError.self) { _ = try link(destination, "\(raw: table)") }
        #expect(error?.hint?.contains(hint) == true, "\(String(describing: error))")
    }

    @Test("row security that holds for the user is refused")
    func rowSecurity() throws {
        let destination = try Destination()
        try destination.eye.execute(
            """
            CREATE ROLE guarded_\(raw: destination.parameters.database) LOGIN;
            CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int);
            ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
            GRANT ALL ON public.orders TO PUBLIC;
            GRANT CREATE ON DATABASE \(id: destination.parameters.database) TO PUBLIC
            """)
        let materialization = destination.materialization {
            $0.connection.user = "guarded_\(destination.parameters.database)"
        }
        let error = #expect(throws: RunError.self) {
            _ = try TestLink(materialization, [(.test(shape), shape)])
        }
        #expect(error?.message.contains("row-level security") == true, "\(String(describing: error))")
    }

    @Test("a missing partition, and a trigger's function that names things without their schema, are named as such")
    func misfits() throws {
        let destination = try Destination()
        let first = try link(
            destination,
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int) PARTITION BY RANGE (id);
            CREATE TABLE public.orders_low PARTITION OF public.orders FOR VALUES FROM (0) TO (10)
            """)
        let missing = #expect(throws: RunError.self) { try first.store(shape) { $0.insert([50, "a", 1]) } }
        #expect(missing?.message.contains("\"public\".\"orders\": a partition is missing") == true)
        #expect(missing?.hint?.contains("PARTITION OF \"public\".\"orders\" DEFAULT") == true)
        first.close()
        let second = try Destination()
        let audited = try link(
            second,
            """
            CREATE TABLE public.orders (id int PRIMARY KEY, name text, rank int); CREATE TABLE public.audit (t text);
            CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS
              $$BEGIN INSERT INTO audit VALUES (new.name); RETURN new; END$$;
            CREATE TRIGGER note AFTER INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.note();
            ALTER TABLE public.orders ENABLE ALWAYS TRIGGER note
            """)
        let unqualified = #expect(throws: RunError.self) { try audited.store(shape) { $0.insert([1, "a", 1]) } }
        #expect(
            unqualified?.hint?.contains("ALTER FUNCTION public.note() SET search_path") == true,
            "\(String(describing: unqualified))")
        try second.eye.execute("ALTER FUNCTION public.note() SET search_path = public")
        audited.transactor.rollback()
        try audited.store(shape) { $0.insert([1, "a", 1]) }
        #expect(try second.rows("SELECT * FROM public.audit") == ["a"])
        audited.close()
    }

    @Test("a partitioned table takes rows, also those that move to another partition", arguments: [1, 200])
    func partitioned(rows: Int) throws {
        let destination = try Destination()
        let link = try link(
            destination,
            """
            CREATE TABLE public.orders (id int, name text, rank int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
            CREATE TABLE public.orders_low PARTITION OF public.orders FOR VALUES FROM (0) TO (1000);
            CREATE TABLE public.orders_high PARTITION OF public.orders FOR VALUES FROM (1000) TO (9000)
            """)
        try link.store(shape) { set in
            for id in 1...rows { set.insert([.text("\(id)"), "a", .text("\(id)")]) }
        }
        try link.store(shape) { set in
            for id in 1...rows {
                let old: [Field] = [.text("\(id)"), nil, nil]
                set.delete(old)
                set.update([.text("\(id + 2000)"), .left, "0"], movedFrom: old)
            }
        }
        #expect(try destination.rows("SELECT count(*) FROM public.orders_low") == ["0"])
        #expect(
            try destination.rows("SELECT count(*) FROM public.orders_high WHERE name = 'a' AND rank = 0") == ["\(rows)"]
        )
        link.close()
    }

    @Test("a column of another name or type by the catalog holds the source's values")
    func namesAndTypes() throws {
        let destination = try Destination()
        let shape = TableShape.test(shape.columns + [.text("note")])
        func open() throws -> TestLink {
            try TestLink(destination, shape, key: ["id"]) { binding in
                binding.names = [JSONKey("id"): "number", JSONKey("name"): "title"]
                binding.types = [JSONKey("rank"): .text, JSONKey("id"): .declared("bigint CHECK (number > 0)")]
            }
        }
        var link = try open()
        try link.store(shape) { set in for id in 1...3 { set.insert([.text("\(id)"), "a", .text("\(id)"), "n"]) } }
        try link.store(shape) { set in
            set.update([1, "b", "7", .left])
            set.delete([2, nil, nil, nil])
        }
        link.close()
        link = try open()
        var renamed = shape.columns
        renamed[3].name = "remark"
        let later = TableShape.test(renamed)
        _ = try link.transactor.evolve(0, to: later)
        try link.store(later) { set in for id in 4...100 { set.insert([.text("\(id)"), "c", "5", nil]) } }
        #expect(
            try destination.rows("SELECT number, title, rank, remark FROM public.orders WHERE number < 5 ORDER BY 1")
                == [
                    "1|b|7|n", "3|a|3|n", "4|c|5|~",
                ])
        #expect(
            try destination.rows(
                """
                SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
                 WHERE attrelid = 'public.orders'::regclass AND attnum > 0 ORDER BY attnum
                """) == ["number|bigint", "title|text", "rank|text", "remark|text"])
        #expect(try destination.rows("SELECT count(*) FROM public.orders") == ["99"])
        link.close()
    }

    @Test(
        "a field that was left out for a while has old values at the destination: it is not taken up again in silence")
    func leftOutForAWhile() throws {
        let destination = try Destination()
        func open(_ excluded: [String]) throws -> TestLink {
            try TestLink(destination, shape) { $0.excludedFields = excluded }
        }
        var link = try open([])
        try link.store(shape) { set in set.insert([1, "old", 1]) }
        link.close()
        link = try open(["name"])
        try link.store(shape) { set in set.update([1, "new", 2]) }
        link.close()
        #expect(try destination.rows("SELECT * FROM public.orders") == ["1|old|2"])
        let error = #expect(throws: RunError.self) {
            let link = try open([])
            try link.store(shape) { set in set.update([1, "new", 3]) }
        }
        #expect(error?.message.contains("left out here") == true, "\(String(describing: error))")
        #expect(error?.hint?.contains("TRUNCATE \"public\".\"orders\"; DELETE FROM flow.bindings") == true)
    }
}

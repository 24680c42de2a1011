import Connectors
import Postgres
import Testing

@testable import MaterializePostgres

@Suite("attaching a binding to its table")
struct AttachTests {
    let shape = TableShape.test([.int("id", key: true), .text("name")])

    /// The table's columns as `name type [not null]`.
    private func columns(_ destination: Destination, _ table: String = "public.orders") throws -> [String] {
        try destination.rows(
            """
            SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END
              FROM pg_attribute WHERE attrelid = \(literal: table)::regclass AND attnum > 0 AND NOT attisdropped
             ORDER BY attnum
            """)
    }

    private func primaryKey(_ destination: Destination, _ table: String = "public.orders") throws -> String? {
        try destination.value(
            """
            SELECT pg_get_constraintdef(oid) FROM pg_constraint
             WHERE conrelid = \(literal: table)::regclass AND contype = 'p'
            """)
    }

    private func failure(
        _ destination: Destination, _ shape: TableShape, _ change: (inout LinkBinding) -> Void = { _ in }
    )
        -> RunError?
    {
        #expect(throws: RunError.self) { _ = try TestLink(destination, shape, change) }
    }

    @Test("a new table has the source's columns, types, NOT NULLs and key, in a schema that is made for it")
    func newTable() throws {
        let destination = try Destination()
        let shape = TableShape.test([
            .test("amount", "numeric(10,2)", oid: 1700, notNull: true), .text("b", key: true), .int("A", key: true),
            .test("at", "timestamp(3) with time zone", oid: 1184), .test("tags", "text[]", oid: 1009),
            .test("c", "character varying(20)", oid: 1043),
        ])
        _ = try TestLink(destination, shape, key: ["A", "b"]) { binding in
            binding.schema = "New Schema"
            binding.excludedFields = ["c"]
            binding.additionalCreateSQL = "CREATE INDEX ON orders (amount); COMMENT ON TABLE orders IS 'made by hand'"
        }
        let table = "\"New Schema\".orders"
        #expect(
            try columns(destination, table) == [
                "amount numeric(10,2) not null", "b text not null", "A integer not null",
                "at timestamp(3) with time zone", "tags text[]",
            ])
        #expect(try primaryKey(destination, table) == "PRIMARY KEY (\"A\", b)")
        #expect(try destination.value("SELECT obj_description('\"New Schema\".orders'::regclass)") == "made by hand")
        #expect(
            try destination.rows(
                """
                SELECT collection, source_schema, source_table, destination_schema, destination_table, phase,
                       shape #>> '{columns,0,type}', shape #>> '{columns,0,attribute}' FROM flow.bindings
                """) == ["acme/orders|public|orders|New Schema|orders|streaming|numeric(10,2)|1"])
    }

    @Test("a table of flowctl's own is refused by its name, before anything is made")
    func ownTables() throws {
        let destination = try Destination()
        for name in ["checkpoints", "parked_changes", "adopting_0"] {
            let error = failure(destination, shape) { ($0.schema, $0.name) = ("flow", name) }
            #expect(error?.kind == .needsOperator && error?.message.contains("flowctl's own") == true, "\(name)")
        }
        #expect(try destination.value("SELECT to_regnamespace('flow')") == nil)
    }

    @Test("the key of a table that is to be filled waits for its rows")
    func lateKey() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape, willBackfill: true)
        #expect(try primaryKey(destination) == nil)
        try link.chunk(["1\ta", "2\tb"], shape: shape)
        #expect(try primaryKey(destination) == nil)
        try link.chunk(["3\tc"], shape: shape, isLast: true)
        #expect(try primaryKey(destination) == "PRIMARY KEY (id)")
        try link.store(shape) { rows in rows.update([3, "after"]) }
        #expect(try destination.rows("SELECT id, name FROM public.orders ORDER BY id") == ["1|a", "2|b", "3|after"])
    }

    @Test("a change that comes while a table is filled has the key made with the next chunk")
    func wantedKey() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape, willBackfill: true)
        try link.chunk(["1\ta", "2\tb"], shape: shape)
        try link.store(shape) { rows in
            rows.update([1, .left])
            rows.delete([2, nil])
        }
        #expect(try primaryKey(destination) == nil)
        try link.chunk(["3\tc"], shape: shape)
        #expect(try primaryKey(destination) == "PRIMARY KEY (id)")
        #expect(try destination.rows("SELECT id, name FROM public.orders ORDER BY id") == ["1|a", "3|c"])
    }

    @Test("after a restart in the middle of a backfill the key is still made, whatever was there before")
    func restartedBackfill() throws {
        let destination = try Destination()
        let first = try TestLink(destination, shape, willBackfill: true)
        try first.chunk(["1\ta"], shape: shape)
        first.close()
        let second = try TestLink(destination, shape)
        #expect(second.transactor.checkpoint(of: 0)?.phase == .backfilling)
        #expect(try primaryKey(destination) == nil)
        try second.store(shape) { rows in rows.update([1, "b"]) }
        try second.chunk(["2\tc"], shape: shape, isLast: true)
        #expect(try primaryKey(destination) == "PRIMARY KEY (id)")
        #expect(try destination.rows("SELECT id, name FROM public.orders ORDER BY id") == ["1|b", "2|c"])
        second.close()
        let third = try TestLink(destination, shape)
        try third.store(shape) { rows in rows.update([1, "c"]) }
        #expect(try destination.value("SELECT name FROM public.orders WHERE id = 1") == "c")
    }

    @Test("the key's name avoids names that are taken")
    func keyName() throws {
        let destination = try Destination()
        try destination.eye.execute("CREATE TABLE public.orders_pkey (a int)")
        let link = try TestLink(destination, shape, willBackfill: true)
        try link.chunk([], shape: shape, isLast: true)
        #expect(try primaryKey(destination) == "PRIMARY KEY (id)")
    }

    @Test("an empty table that is there is used: missing columns are added, strangers needn't be filled")
    func existingTable() throws {
        let destination = try Destination()
        try destination.eye.execute(
            """
            CREATE TABLE public.orders (id bigint, extra int NOT NULL, kept int NOT NULL DEFAULT 7,
                                        number int GENERATED ALWAYS AS IDENTITY)
            """)
        let link = try TestLink(destination, shape)
        #expect(
            try columns(destination) == [
                "id bigint not null", "extra integer", "kept integer not null", "number integer not null", "name text",
            ])
        #expect(try primaryKey(destination) == "PRIMARY KEY (id)")
        try link.store(shape) { rows in rows.insert([1, "a"]) }
        #expect(try destination.rows("SELECT * FROM public.orders") == ["1|~|7|1|a"])
    }

    @Test("an identity column of the destination takes the source's values")
    func identityColumn() throws {
        let destination = try Destination()
        try destination.eye.execute(
            "CREATE TABLE public.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)")
        let link = try TestLink(destination, shape)
        try link.store(shape) { rows in rows.insert([7, "a"]) }
        try link.store(shape) { rows in
            for id in 1...100 { rows.update([.text("\(id)"), "b"]) }
        }
        #expect(
            try destination.rows("SELECT count(*), count(*) FILTER (WHERE name = 'b') FROM public.orders") == [
                "100|100"
            ])
    }

    @Test("a unique index on the key serves as well as a primary key; a primary key of other columns does not")
    func otherKeys() throws {
        let destination = try Destination()
        try destination.eye.execute(
            """
            CREATE TABLE public.orders (number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id int UNIQUE, name text);
            CREATE TABLE public.others (number int PRIMARY KEY, id int, name text)
            """)
        let link = try TestLink(destination, shape)
        try link.store(shape) { rows in rows.insert([1, "a"]) }
        try link.store(shape) { rows in rows.update([1, "b"]) }
        #expect(try destination.rows("SELECT id, name FROM public.orders") == ["1|b"])
        let error = failure(destination, shape) { $0.name = "others" }
        #expect(error?.message.contains("(number)") == true && error?.message.contains("(id)") == true)
    }

    @Test("a table with rows that flowctl has no record of is refused, unless its backfill is skipped")
    func strangersRows() throws {
        let destination = try Destination()
        try destination.eye.execute("CREATE TABLE public.orders AS SELECT 1 AS id, 'theirs'::text AS name")
        let error = #expect(throws: RunError.self) { _ = try TestLink(destination, shape, willBackfill: true) }
        #expect(error?.kind == .needsOperator)
        #expect(error?.hint?.contains("TRUNCATE \"public\".\"orders\"") == true)
        let link = try TestLink(destination, shape) { $0.skipsBackfill = true }
        try link.store(shape) { rows in rows.update([1, "ours"]) }
        #expect(try destination.rows("SELECT id, name FROM public.orders") == ["1|ours"])
    }

    @Test("a table of another collection's rows is a stranger's")
    func otherCollection() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape)
        try link.store(shape) { rows in rows.insert([1, "a"]) }
        link.close()
        let error = #expect(throws: RunError.self) {
            _ = try TestLink(destination, shape, willBackfill: true) { $0.collection = "acme/other" }
        }
        #expect(error?.kind == .needsOperator)
    }

    @Test("a table that is gone though it was filled is not made anew in silence")
    func goneTable() throws {
        let destination = try Destination()
        try TestLink(destination, shape).close()
        try destination.eye.execute("DROP TABLE public.orders")
        let error = failure(destination, shape)
        #expect(error?.kind == .needsOperator)
        #expect(error?.hint?.contains("raise `backfill`") == true)
    }

    @Test("a view, or a column that can't hold the source's values, is refused by name")
    func unusable() throws {
        let destination = try Destination()
        try destination.eye.execute(
            """
            CREATE VIEW public.orders AS SELECT 1 AS id, 'a'::text AS name;
            CREATE TABLE public.narrow (id smallint, name text);
            CREATE TABLE public.computed (id int, name text GENERATED ALWAYS AS ('x') STORED)
            """)
        #expect(failure(destination, shape)?.message.contains("relkind v") == true)
        #expect(failure(destination, shape) { $0.name = "computed" }?.message.contains("\"name\"") == true)
        let text = TableShape.test([.int("id", key: true), .int("name")])
        let narrow = TableShape.test([.test("id", "numeric(5,1)", oid: 1700, key: true), .text("name")])
        let error = failure(destination, narrow) { $0.name = "narrow" }
        #expect(error?.message.contains("numeric(5,1)") == true && error?.message.contains("smallint") == true)
        // A text column takes every type's text; a narrower integer is widened.
        try destination.eye.execute("CREATE TABLE public.wide (id smallint, name text)")
        _ = try TestLink(destination, text) { $0.name = "wide" }
        #expect(try columns(destination, "public.wide") == ["id integer not null", "name text"])
    }

    @Test("bindings that can't work are refused with what to do")
    func badBindings() throws {
        let destination = try Destination()
        #expect(failure(destination, shape) { $0.key = [] }?.hint?.contains("delta_updates") == true)
        #expect(failure(destination, shape) { $0.key = ["nope"] }?.message.contains("\"nope\"") == true)
        #expect(failure(destination, shape) { $0.excludedFields = ["id"] }?.message.contains("\"id\"") == true)
        #expect(
            failure(destination, shape) { $0.requiredFields = ["_meta/source/lsn"] }?.message.contains(
                "_meta/source/lsn")
                == true)
        let clash = TableShape.test([.int("id", key: true), .text("_meta/op")])
        #expect(failure(destination, clash) { $0.deletes = .soft }?.message.contains("metadata column") == true)
    }

    @Test("with schemaEvolution none a table without the key is refused, not given one after its backfill")
    func noneAndLateKey() throws {
        let destination = try Destination()
        try destination.eye.execute("CREATE TABLE public.orders (id int, name text)")
        let shape = TableShape.test([.int("id", key: true), .text("name")])
        let error = #expect(throws: RunError.self) {
            try TestLink(
                destination.materialization { $0.schemaEvolution = .none }, [(.test(shape), shape)],
                willBackfill: true)
        }
        #expect(error?.hint?.contains("INDEX") == true, "\(String(describing: error))")
        let link = try TestLink(destination, shape, willBackfill: true)
        link.close()
        let binding = LinkBinding.test(shape)
        let dropping = #expect(throws: RunError.self) {
            try destination.materialization { $0.schemaEvolution = .none }.forget(
                binding, of: link.spec, dropping: ["name"])
        }
        #expect(dropping?.hint?.contains("ALTER TABLE \"public\".\"orders\" DROP COLUMN \"name\"") == true)
        #expect(try destination.value("SELECT count(*) FROM flow.bindings") == "1")
    }

    @Test("with schemaEvolution none nothing is made, and the error has the SQL to run")
    func noEvolution() throws {
        let destination = try Destination()
        func attach() throws {
            _ = try TestLink(
                destination.materialization { $0.schemaEvolution = .none }, [(.test(shape), shape)])
        }
        let error = #expect(throws: RunError.self) { try attach() }
        let create = "CREATE TABLE \"public\".\"orders\" (\"id\" integer NOT NULL, \"name\" text, PRIMARY KEY (\"id\"))"
        #expect(error?.hint == "run: \(create)")
        #expect(try destination.value("SELECT to_regclass('public.orders')") == nil)
        try destination.eye.execute("CREATE TABLE public.orders (id int PRIMARY KEY)")
        let column = #expect(throws: RunError.self) { try attach() }
        #expect(column?.message.contains("\"name\"") == true)
        #expect(column?.hint == "run: ALTER TABLE \"public\".\"orders\" ADD COLUMN \"name\" text")
        try destination.eye.execute("ALTER TABLE public.orders ADD COLUMN name text")
        try attach()
    }

    @Test("metadata columns are made where they are asked for, and fill themselves")
    func metadataColumns() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape, willBackfill: true) {
            $0.requiredFields = ["_meta/op", "flow_published_at", "name"]
        }
        try link.chunk(["1\ta"], shape: shape, isLast: true)
        try link.store(shape) { rows in
            rows.insert([2, "b"])
            rows.update([1, .left])
        }
        #expect(
            try destination.rows(
                """
                SELECT id, "_meta/op", flow_published_at > now() - interval '1 min' FROM public.orders ORDER BY id
                """) == ["1|u|t", "2|c|t"])
        try link.store(shape) { rows in rows.delete([2, nil]) }
        #expect(try destination.value("SELECT count(*) FROM public.orders") == "1")
    }

    @Test("two runners that meet a bare database at once make the metadata once")
    func metadataRace() async throws {
        let destination = try Destination()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<4 {
                group.addTask {
                    let binding = LinkBinding.test(shape) { $0.name = "orders\(number)" }
                    let link = try TestLink(
                        destination.materialization(), [(binding, shape)], capture: "acme/capture\(number)")
                    link.close()
                }
            }
            try await group.waitForAll()
        }
        #expect(try destination.value("SELECT count(*) FROM flow.checkpoints") == "4")
    }

    @Test("the metadata's schema has the name that the config gives it")
    func metadataName() throws {
        let destination = try Destination()
        let link = try TestLink(
            destination.materialization { $0.metadataSchema = "My \"Flow\"" }, [(.test(shape), shape)])
        try link.store(shape) { rows in rows.insert([1, "a"]) }
        #expect(
            try destination.value(
                "SELECT \"My \"\"Flow\"\"\".wait_for('acme/capture', '0/65', '1 s')") == "t")
        #expect(try destination.value("SELECT obj_description('\"My \"\"Flow\"\"\".bindings'::regclass)") != nil)
    }
}

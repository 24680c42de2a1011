import Connectors
import Postgres
import Testing

@testable import MaterializePostgres

@Suite("types that columns need")
struct TypeTests {
    static let mood = TypeDefinition(
        schema: "kinds", name: "Mood", kind: .enumeration(labels: ["sad", "it's ok", "happy"]))
    static let email = TypeDefinition(
        schema: "kinds", name: "email", kind: .domain(definition: "text CONSTRAINT at CHECK ((VALUE ~~ '%@%'::text))"))
    static let address = TypeDefinition(
        schema: "kinds", name: "address",
        kind: .composite(attributes: [.init(name: "Street", type: "text"), .init(name: "mood", type: "kinds.\"Mood\"")])
    )

    static func shape(_ types: [TypeDefinition] = [mood, email, address]) -> TableShape {
        .test(
            [
                .int("id", key: true), .test("mood", "kinds.\"Mood\"", oid: 90001),
                .test("email", "kinds.email", oid: 90002, toast: true),
                .test("address", "kinds.address", oid: 90003, toast: true),
                .test("moods", "kinds.\"Mood\"[]", oid: 90004, toast: true),
            ], types: types)
    }

    @Test("enums, domains and composites are made, used, and accepted when they are met again", arguments: [1, 200])
    func userTypes(count: Int) throws {
        let destination = try Destination()
        let shape = TypeTests.shape()
        for round in 0..<2 {
            let link = try TestLink(destination, shape)
            try link.store(shape) { rows in
                for id in 0..<count {
                    rows.update([
                        .text("\(id)"), "it's ok", "a@b", "(\"a b\",sad)",
                        .text("{sad,NULL,\"it's ok\",\(["happy", "sad"][round])}"),
                    ])
                }
            }
            link.close()
        }
        #expect(
            try destination.rows("SELECT DISTINCT mood, email, address, moods FROM public.orders")
                == ["it's ok|a@b|(\"a b\",sad)|{sad,NULL,\"it's ok\",sad}"])
    }

    @Test("types that are there and differ are refused with their definition")
    func differingTypes() throws {
        for (create, name) in [
            ("CREATE TYPE kinds.\"Mood\" AS ENUM ('happy', 'sad')", "Mood"),
            ("CREATE DOMAIN kinds.email AS text", "email"),
            ("CREATE DOMAIN kinds.email AS varchar CHECK (VALUE ~~ '%@%')", "email"),
            ("CREATE TYPE kinds.address AS (\"Street\" text)", "address"),
        ] {
            let destination = try Destination()
            try destination.eye.execute("CREATE SCHEMA kinds; \(raw: create)")
            let error = #expect(throws: RunError.self) { _ = try TestLink(destination, TypeTests.shape()) }
            #expect(error?.kind == .needsOperator)
            #expect(error?.message.contains("\"\(name)\"") == true, "\(String(describing: error))")
            #expect(try destination.value("SELECT to_regclass('public.orders')") == nil)
        }
    }

    @Test("an enum grows by the labels that it lacks, in their places, and keeps those that it has more")
    func growingEnum() throws {
        let destination = try Destination()
        try destination.eye.execute(
            """
            CREATE SCHEMA kinds; CREATE TYPE kinds."Mood" AS ENUM ('it''s ok');
            CREATE TYPE kinds.more AS ENUM ('a', 'extra', 'b')
            """)
        let more = TypeDefinition(schema: "kinds", name: "more", kind: .enumeration(labels: ["a", "b"]))
        let shape = TypeTests.shape([TypeTests.mood, TypeTests.email, TypeTests.address, more])
        let link = try TestLink(destination, shape)
        try link.store(shape) { rows in rows.insert([1, "happy", nil, nil, "{sad}"]) }
        #expect(
            try destination.value("SELECT enum_range(NULL::kinds.\"Mood\")") == "{sad,\"it's ok\",happy}")
        #expect(try destination.value("SELECT enum_range(NULL::kinds.more)") == "{a,extra,b}")
    }

    @Test("a label that the source gained is there before the first row of the new shape")
    func evolvingEnum() throws {
        let destination = try Destination()
        let old = TypeTests.shape()
        let link = try TestLink(destination, old)
        try link.store(old) { rows in rows.insert([1, "sad", nil, nil, nil]) }
        let grown = TypeDefinition(
            schema: "kinds", name: "Mood", kind: .enumeration(labels: ["sad", "so-so", "it's ok", "happy"]))
        var columns = old.columns
        columns.append(.test("other", "kinds.\"Mood\"", oid: 90001))
        columns[5].attribute = 6
        columns[5].missingValue = "so-so"
        let new = TableShape.test(columns, types: [grown, TypeTests.email, TypeTests.address])
        try link.storeOpen(old) { rows in rows.insert([2, "sad", nil, nil, nil]) }
        let ran = try link.transactor.evolve(0, to: new)
        #expect(ran.count == 2)
        try link.store(new) { rows in rows.insert([3, "so-so", nil, nil, nil, "happy"]) }
        #expect(
            try destination.rows("SELECT id, mood, other FROM public.orders ORDER BY id")
                == ["1|sad|so-so", "2|sad|so-so", "3|so-so|happy"])
    }

    @Test("an extension is made for its type, or asked for with its command")
    func extensions() throws {
        let destination = try Destination()
        let citext = TypeDefinition(schema: "ext", name: "citext", kind: .extensionType(extension: "citext"))
        let shape = TableShape.test(
            [.test("id", "ext.citext", oid: 90001, key: true), .text("name"), .text("big")], types: [citext])
        for count in [1, 200] {
            let link = try TestLink(destination, shape)
            try link.store(shape) { rows in
                for id in 0..<count { rows.update([.text("Key\(id)"), .text("\(count)"), "b"]) }
            }
            // The index's own equality decides which row it is, and the row gets the key as it is written now.
            try link.store(shape) { rows in
                for id in 0..<count { rows.update([.text("KEY\(id)"), .left, .left]) }
            }
            link.close()
        }
        #expect(
            try destination.rows("SELECT count(*), min(id::text), max(name), min(big) FROM public.orders")
                == ["200|KEY0|200|b"])
        let missing = TypeDefinition(
            schema: "public", name: "geometry", kind: .extensionType(extension: "no_such_postgis"))
        let other = TableShape.test(
            [.int("id", key: true), .test("place", "public.geometry", oid: 90002)], name: "places", types: [missing])
        let error = #expect(throws: RunError.self) { _ = try TestLink(destination, other) }
        #expect(error?.hint?.contains("CREATE EXTENSION \"no_such_postgis\" SCHEMA \"public\"") == true)
    }

    @Test("a column takes another type's values only where none is lost")
    func compatibility() {
        for (column, source) in [
            ("bigint", "integer"), ("integer", "smallint"), ("numeric", "bigint"), ("numeric(10,0)", "integer"),
            ("text", "integer"), ("text", "public.mood"), ("character varying", "text"), ("text", "text[]"),
            ("character varying(20)", "character varying(10)"), ("text", "character varying(10)"),
            ("numeric(12,2)", "numeric(10,2)"), ("numeric", "numeric(10,2)"), ("double precision", "real"),
            ("timestamp without time zone", "timestamp(3) without time zone"), ("bigint[]", "integer[]"),
            ("bit varying", "bit varying(4)"), ("timestamp without time zone", "date"), ("json", "jsonb"),
            ("double precision", "integer"), ("real", "smallint"), ("double precision[]", "integer[]"),
            ("character varying(4)", "character(4)"), ("bit varying(4)", "bit(4)"), ("macaddr8", "macaddr"),
            ("interval", "time without time zone"),
        ] {
            #expect(TypeCompatibility.column(column, accepts: source), "\(column) <- \(source)")
        }
        for (column, source) in [
            ("integer", "bigint"), ("smallint", "integer"), ("numeric(9,0)", "integer"),
            ("numeric(10,3)", "numeric(10,2)"),
            ("numeric(9,2)", "numeric(10,2)"), ("numeric(10,2)", "numeric"),
            ("character varying(9)", "character varying(10)"),
            ("character varying(9)", "text"), ("real", "double precision"), ("jsonb", "json"), ("integer", "text"),
            ("timestamp(2) without time zone", "timestamp without time zone"), ("integer[]", "bigint[]"),
            ("date", "timestamp without time zone"), ("timestamp with time zone", "timestamp without time zone"),
            ("character(5)", "character(4)"), ("text[]", "text"), ("bytea", "text"),
            ("real", "integer"), ("double precision", "bigint"), ("character varying(3)", "character(4)"),
            ("interval(3)", "time without time zone"),
        ] {
            #expect(!TypeCompatibility.column(column, accepts: source), "\(column) <- \(source)")
        }
        #expect(TypeCompatibility.isWidening(from: "integer", to: "bigint"))
        #expect(TypeCompatibility.isWidening(from: "character varying(3)[]", to: "text[]"))
        #expect(!TypeCompatibility.isWidening(from: "integer", to: "text"))
        #expect(!TypeCompatibility.isWidening(from: "bigint", to: "integer"))
        #expect(!TypeCompatibility.isWidening(from: "integer", to: "double precision"))
        #expect(!TypeCompatibility.isWidening(from: "date", to: "timestamp without time zone"))
    }

    @Test("a type's name is taken apart at its own parentheses")
    func typeNames() {
        #expect(TypeName("numeric(10,2)[]").numbers == [10, 2])
        #expect(TypeName("timestamp(3) without time zone").base == "timestamp without time zone")
        #expect(TypeName("public.\"odd (1) name\"").base == "public.\"odd (1) name\"")
        #expect(TypeName("public.geometry(Point, 4326)").modifiers == ["Point", "4326"])
        #expect(TypeName("int4[]").isArray)
        #expect(TypeName("broken(").base == "broken(")
    }
}

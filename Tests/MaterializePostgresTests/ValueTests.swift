import Connectors
import Foundation
import Postgres
import Testing

@testable import MaterializePostgres

@Suite("values arrive as they are")
struct ValueTests {
    /// Every code point below 256 but zero, then multi-byte ones: all bytes that UTF-8 has.
    static let everyByte = String(
        String.UnicodeScalarView((1..<256).compactMap { Unicode.Scalar($0) } + ["€", "𝄞", "\u{FFFD}"]))

    static let texts = [
        "", " ", "\\N", "\\.", "NULL", "\t", "\n", "\r\n", "\\", "\\\\n", "a\tb\nc\\d\re", "'\"$1", everyByte,
        String(repeating: "x", count: 7) + "\\", String(repeating: "ab\\\n", count: 50_000),
        String(repeating: "é", count: 100_000),
    ]

    private func check(_ type: String, oid: UInt32, _ values: [Field], asText expected: [String?], large: Bool) throws {
        let destination = try Destination()
        var column = ColumnShape.test("v", type, oid: oid, toast: true)
        column.attribute = 2
        let shape = TableShape.test([.int("id", key: true), column])
        let link = try TestLink(destination, shape)
        for isNew in [true, false] {
            try link.store(shape) { rows in
                for (id, value) in values.enumerated() {
                    if isNew { rows.insert([.text("\(id)"), value]) } else { rows.update([.text("\(id)"), value]) }
                }
                guard large else { return }
                for id in 1000..<1100 { rows.insert([.text("\(id + (isNew ? 0 : 500))"), values[0]]) }
            }
            let rows = try destination.eye.query("SELECT v::text FROM public.orders WHERE id < 1000 ORDER BY id")
            #expect((0..<rows.count).map { rows[$0, 0] } == expected)
        }
    }

    @Test("texts of every byte, empty ones and nulls, by statement and by COPY", arguments: [false, true])
    func texts(large: Bool) throws {
        try check(
            "text", oid: 25, ValueTests.texts.map { .text($0) } + [nil], asText: ValueTests.texts + [nil], large: large)
    }

    @Test("arrays with nulls, quotes and bounds", arguments: [false, true])
    func arrays(large: Bool) throws {
        let values = [
            "{}", "{a,NULL,\"NULL\",\"\",\"x\\\"y\",\"back\\\\slash\",\"a,b\"}", "[0:1]={a,b}", "{{a,b},{c,d}}",
        ]
        try check("text[]", oid: 1009, values.map { .text($0) } + [nil], asText: values + [nil], large: large)
    }

    @Test("json keeps its text", arguments: [false, true])
    func json(large: Bool) throws {
        let values = ["{\"b\":  1, \"a\":1.0, \"a\":\"\\u00e9\\n\"}", "null", "[]", " \"x\""]
        try check("json", oid: 114, values.map { .text($0) } + [nil], asText: values + [nil], large: large)
    }

    @Test("numbers, times and bytes at their edges", arguments: [false, true])
    func edges(large: Bool) throws {
        for (type, oid, values) in [
            ("numeric", UInt32(1700), ["NaN", "Infinity", "-Infinity", "0.000", "100", "-0.10"]),
            ("double precision", 701, ["NaN", "-Infinity", "-0", "5e-324", "0.1", "1e+300"]),
            (
                "timestamp with time zone", 1184,
                ["infinity", "0044-03-15 00:00:00+00 BC", "2024-02-29 23:59:59.999999+00"]
            ),
            ("interval", 1186, ["1 year 2 mons -3 days +04:05:06.789", "00:00:00"]),
            ("bytea", 17, ["\\x", "\\x00ff5c0a"]),
            ("money", 790, ["$1,234.56"]), ("bit varying(9)", 1562, ["", "101"]),
            ("int4range", 3904, ["empty", "[1,5)", "(,)"]), ("inet", 869, ["10.0.0.1/8", "::1/64"]),
        ] as [(String, UInt32, [String])] {
            try check(type, oid: oid, values.map { .text($0) } + [nil], asText: values + [nil], large: large)
        }
    }

    @Test("names with quotes, upper case and 63 bytes are names like others", arguments: [false, true])
    func names(large: Bool) throws {
        let destination = try Destination()
        let long = String(repeating: "é", count: 31) + "x"
        let odd = ["Id \"q\"", "SELECT", "_flow_op", "$1", "a.b", "tab\there", "back\\slash", long]
        var columns = odd.map { ColumnShape.text($0) }
        columns[0] = .int(odd[0], key: true)
        let shape = TableShape.test(columns, name: "Odd \"Table\" " + String(repeating: "n", count: 51))
        let binding = LinkBinding.test(shape, key: [odd[0]]) { binding in
            binding.schema = "My \"Schema\""
            binding.deletes = .soft
        }
        let link = try TestLink(destination.materialization(), [(binding, shape)], willBackfill: true)
        let name = QualifiedName(binding.schema, binding.name)
        try link.chunk(["1" + String(repeating: "\tx", count: 7)], shape: shape, isLast: true)
        try link.store(shape) { rows in
            rows.update([1, "a", .left, "c", .left, "e", .left, "g"])
            rows.update([2, "a", "b", "c", "d", "e", "f", "g"])
            rows.delete([3, nil, nil, nil, nil, nil, nil, nil], image: [3, "a", "b", "c", "d", "e", "f", "g"])
            guard large else { return }
            for id in 1000..<1100 { rows.insert([.text("\(id)"), "a", "b", "c", "d", "e", "f", "g"]) }
        }
        #expect(
            try destination.rows("SELECT * FROM \(name) WHERE \(id: odd[0]) < 1000 ORDER BY 1") == [
                "1|a|x|c|x|e|x|g|u", "2|a|b|c|d|e|f|g|u", "3|a|b|c|d|e|f|g|d",
            ])
        let key = try destination.value(
            """
            SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             WHERE i.indrelid = \(literal: name.quoted)::regclass AND i.indisprimary AND octet_length(relname) <= 63
            """)
        #expect(key == "1")
    }

    @Test("a table of more columns than a mask has bits keeps each left-out column", arguments: [false, true])
    func wide(large: Bool) throws {
        let destination = try Destination()
        let count = 200
        let shape = TableShape.test([.int("id", key: true)] + (0..<count).map { .text("c\($0)") })
        let link = try TestLink(destination, shape)
        let row: (String, String) -> [Field] = { id, value in
            [.text(id)] + (0..<count).map { .text("\(value)\($0)") }
        }
        try link.store(shape) { rows in rows.insert(row("1", "old")) }
        try link.store(shape) { rows in
            var fields = row("1", "new")
            for column in 0..<count where column % 3 == 0 { fields[column + 1] = .left }
            rows.update(fields)
            guard large else { return }
            for id in 1000..<1100 { rows.insert(row("\(id)", "pad")) }
        }
        let rows = try destination.eye.query("SELECT * FROM public.orders WHERE id = 1")
        for column in 0..<count {
            #expect(rows[0, column + 1] == (column % 3 == 0 ? "old\(column)" : "new\(column)"))
        }
    }

    @Test("an unchanged large value keeps its place on disk", arguments: [false, true])
    func toastPointers(large: Bool) throws {
        let destination = try Destination()
        let shape = TableShape.test([.int("id", key: true), .text("name"), .text("big")])
        let link = try TestLink(destination, shape)
        try destination.eye.execute("ALTER TABLE public.orders ALTER COLUMN big SET STORAGE EXTERNAL")
        let big = String(repeating: "0123456789", count: 10_000)
        try link.store(shape) { rows in rows.insert([1, "a", .text(big)]) }
        let size: SQL = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'orders'"
        let before = try destination.value(size)
        for number in 0..<5 {
            try link.store(shape) { rows in
                rows.update([1, .text("\(number)"), .left])
                guard large else { return }
                for id in 1000..<1100 { rows.update([.text("\(id)"), "pad", "pad"]) }
            }
        }
        #expect(try destination.value(size) == before)
        #expect(try destination.value("SELECT big FROM public.orders WHERE id = 1") == big)
    }

    @Test("a value that can't be stored is named by table and column, and not shown", arguments: [false, true])
    func badValue(large: Bool) throws {
        let destination = try Destination()
        let shape = TableShape.test([.int("id", key: true), .int("amount")])
        let link = try TestLink(destination, shape)
        let error = #expect(throws: RunError.self) {
            try link.store(shape) { rows in
                rows.insert([1, "secret"])
                guard large else { return }
                for id in 1000..<1100 { rows.update([.text("\(id)"), 1]) }
            }
        }
        #expect(error?.kind == .needsOperator)
        #expect(error?.object == "table public.orders")
        #expect(error?.binding == 0)
        #expect(error?.sqlState == "22P02")
        #expect("\(String(describing: error)) \(error?.hint ?? "")".contains("secret") == false)
        if large { #expect(error?.message.contains("\"amount\"") == true) }
    }

    @Test(
        "a row that violates the destination's own constraint names it, and shows no value", arguments: [false, true])
    func violatedConstraint(large: Bool) throws {
        let destination = try Destination()
        let shape = TableShape.test([.int("id", key: true), .int("amount")])
        let link = try TestLink(destination, shape)
        try destination.eye.execute("ALTER TABLE public.orders ADD CONSTRAINT small CHECK (amount < 100)")
        let error = #expect(throws: RunError.self) {
            try link.store(shape) { rows in
                rows.insert([1, 424242])
                guard large else { return }
                for id in 1000..<1100 { rows.update([.text("\(id)"), 1]) }
            }
        }
        #expect(error?.sqlState == "23514")
        #expect(error?.message == "a row violates the check constraint \"small\" of table public.orders")
        #expect(String(describing: error).contains("424242") == false)
    }
}

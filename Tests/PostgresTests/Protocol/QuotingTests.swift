import Foundation
import Postgres
import TestSupport
import Testing

@Suite("names and literals mean the same to the server, whatever is in them") struct QuotingTests {
    static let nasty = [
        "plain", "Camel Case", "select", "a.b", "$1", "  ", "'", "''", "\"", "\"\"", "it's \"both\"", "back\\slash",
        "\\",
        "\\'", "'; DROP TABLE x; --", "\"; DROP TABLE x; --", "/* open", "new\nline\ttab\r", "naïve 漢字", "👩‍👩‍👧",
        // One character to Swift, a quote and an accent to the server.
        "\"\u{301}", "'\u{301}", "\\\u{301}", "%s %d", "E'x'", "\u{1}\u{7f}",
    ]
    static let database = Result { try TestServer.source.database("quoting") }

    @Test("an identifier names a table, its column and its schema", arguments: nasty)
    func identifiers(name: String) throws {
        let connection = try Connection(QuotingTests.database.get())
        let table = QualifiedName(name, name)
        try connection.execute(
            "CREATE SCHEMA \(id: name); CREATE TABLE \(table) (\(id: name) int); INSERT INTO \(table) VALUES (1)")
        #expect(try connection.query("SELECT \(Identifier(name)) FROM \(table)")[0, 0] == "1")
        let found = try connection.query(
            """
            SELECT attname, relname, nspname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
            JOIN pg_namespace n ON n.oid = relnamespace WHERE attnum = 1 AND nspname = $1 AND relkind = 'r'
            """, [name])
        #expect((0..<3).map { found[0, $0] } == [name, name, name])
    }

    @Test("a literal is its text, with either way to read backslashes", arguments: nasty)
    func literals(text: String) throws {
        let connection = try Connection(QuotingTests.database.get())
        for setting: SQL in ["on", "off"] {
            try connection.execute("SET standard_conforming_strings = \(setting)")
            let rows = try connection.query("SELECT \(literal: text), \(literal: text) = $1", [text])
            #expect(rows[0, 0] == text)
            #expect(rows[0, 1] == "t")
        }
    }

    @Test("the elements of an array's text are the texts it was made of")
    func arrays() throws {
        let connection = try Connection(QuotingTests.database.get())
        let texts =
            QuotingTests.nasty + [
                "", "NULL", "null", "{}", "{", "}", ",", "a,b", "{\"a\",NULL}", " x ", "\\\"", "\u{e9}", "e\u{301}",
            ]
        let rows = try connection.query(
            """
            SELECT encode(convert_to(a.t, 'UTF8'), 'hex'), b.t FROM unnest($1::text[]) WITH ORDINALITY AS a (t, place)
              FULL JOIN unnest(\(literal: ArrayText.of(texts))::text[]) WITH ORDINALITY AS b (t, place) USING (place)
             ORDER BY place
            """, [ArrayText.of(texts)])
        #expect(rows.count == texts.count)
        for (row, text) in texts.enumerated() {
            #expect(rows[row, 0] == text.utf8.map { String(format: "%02x", $0) }.joined())
            #expect(rows[row, 1].map { Array($0.utf8) } == Array(text.utf8))
        }
        #expect(ArrayText.of([UInt32]()) == "{}" && ArrayText.of([7, 4_294_967_295] as [UInt32]) == "{7,4294967295}")
    }

    @Test("interpolation puts every kind of piece in its place")
    func pieces() {
        let inner: SQL = "x = \(literal: "a'b")"
        let sql: SQL = "SELECT \(id: "c") FROM \(QualifiedName("s", "t")) WHERE \(inner) LIMIT \(3) \(raw: "-- end")"
        #expect(sql.text == #"SELECT "c" FROM "s"."t" WHERE x = 'a''b' LIMIT 3 -- end"#)
    }
}

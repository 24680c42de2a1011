import Foundation
import Postgres
import TestSupport
import Testing

@Suite("COPY") struct CopyTests {
    @Test("every byte and character survives a way out and in, in either format", arguments: ["text", "binary"])
    func everyByte(format: String) throws {
        let pair = try TestServers.freshDatabases("copy")
        let (source, destination) = (try Connection(pair.source), try Connection(pair.destination))
        for connection in [source, destination] {
            try connection.execute("CREATE TABLE public.t (id int PRIMARY KEY, b bytea, c text, n text)")
        }
        try source.execute(
            """
            INSERT INTO public.t SELECT g, set_byte('\\x00', 0, g), CASE WHEN g > 0 THEN chr(g) || '\\' || chr(g) END,
                CASE g % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE '\\N' END FROM generate_series(0, 255) g;
            INSERT INTO public.t SELECT 256, string_agg(b, ''), string_agg(c, ''), '漢👩‍👩‍👧' FROM public.t;
            INSERT INTO public.t VALUES (257, convert_to(repeat('x', 1 << 20), 'UTF8'), repeat('漢', 1 << 20), NULL)
            """)
        try destination.beginCopyIn("COPY public.t FROM STDIN (FORMAT \(raw: format))")
        var rows = 0
        var failure: (any Error)?
        let isWhole = try source.copyOut("COPY public.t TO STDOUT (FORMAT \(raw: format))") { row in
            rows += 1
            do {
                // In pieces that heed no row's bounds.
                let middle = row.count / 2
                try destination.putCopyData(UnsafeRawBufferPointer(rebasing: row[..<middle]))
                try destination.putCopyData(UnsafeRawBufferPointer(rebasing: row[middle...]))
            } catch {
                failure = error
            }
            return true
        }
        #expect(isWhole)
        #expect(failure == nil)
        #expect(try destination.endCopyIn() == 258)
        #expect(rows >= 258)
        let found = try tableDifference(
            TableAt(pair.source, "public", "t"), TableAt(pair.destination, "public", "t"),
            columns: ["id", "b", "c", "n"], key: ["id"])
        #expect(found.isEmpty, "\(found)")
        #expect(found.rows == 258)
    }

    @Test("a copy ended early hands over no more rows, and its connection goes on")
    func earlyEnd() throws {
        let connection = try Connection(TestServer.source.database("early"))
        for _ in 0..<5 {
            var rows = 0
            let isWhole = try connection.copyOut("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT") { _ in
                rows += 1
                return rows < 10
            }
            #expect(!isWhole)
            #expect(rows == 10)
            #expect(try connection.query("SELECT 'next'")[0, 0] == "next")
        }
    }

    @Test("a copy that the server gives up midway is its error, and the connection goes on")
    func serverFails() throws {
        let connection = try Connection(TestServer.source.database("midway"))
        let error = #expect(throws: PostgresError.self) {
            try connection.copyOut("COPY (SELECT 1 / (5000 - g) FROM generate_series(1, 9000) g) TO STDOUT") { _ in true
            }
        }
        #expect(error?.sqlState == "22012")
        #expect(try connection.query("SELECT 'next'")[0, 0] == "next")
    }

    @Test("a refused row and a copy given up store nothing, and the connection goes on")
    func refused() throws {
        let connection = try Connection(TestServer.source.database("refused"))
        try connection.execute("CREATE TABLE public.t (id int)")
        try connection.beginCopyIn("COPY public.t FROM STDIN")
        try Array("1\ntwo\n".utf8).withUnsafeBytes { try connection.putCopyData($0) }
        let error = #expect(throws: PostgresError.self) { try connection.endCopyIn() }
        #expect(error?.sqlState == "22P02")
        try connection.beginCopyIn("COPY public.t FROM STDIN")
        try Array("1\n".utf8).withUnsafeBytes { try connection.putCopyData($0) }
        connection.failCopyIn("no more")
        #expect(try connection.query("SELECT count(*) FROM public.t")[0, 0] == "0")
    }

    @Test("a value of many megabytes survives as a parameter and as a result")
    func largeValues() throws {
        let connection = try Connection(TestServer.source.database("large"))
        let text = String(repeating: "it's \\ 漢 ", count: 1 << 20)
        let rows = try connection.query("SELECT $1::text, octet_length($1), $2::text", [text, nil])
        #expect(rows[0, 0] == text)
        #expect(rows[0, 1] == String(text.utf8.count))
        #expect(rows[0, 2] == nil)
        #expect(rows.bytes(0, 0)?.count == text.utf8.count)
        #expect(rows[1, 0] == nil && rows[0, 3] == nil)
    }
}

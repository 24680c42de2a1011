import Postgres
import TestSupport
import Testing

@Suite("copies that go wrong") struct FailingCopyTests {
    private func table(_ name: String, _ columns: SQL) throws -> Connection {
        let connection = try Connection(TestServer.source.database(name))
        try connection.execute("CREATE TABLE public.t (\(columns))")
        return connection
    }

    private func put(_ text: String, to connection: Connection) throws {
        try Array(text.utf8).withUnsafeBytes { try connection.putCopyData($0) }
    }

    @Test("a row that the server refuses early is reported by its error, however much was to follow")
    func refusedEarly() throws {
        let connection = try table("refused", "id int PRIMARY KEY, body text")
        let body = String(repeating: "x", count: 1 << 16)
        let error = #expect(throws: PostgresError.self) {
            try connection.beginCopyIn("COPY public.t FROM STDIN")
            try put("sesame\tx\n", to: connection)
            for id in 1...2000 { try put("\(id)\t\(body)\n", to: connection) }
            try connection.endCopyIn()
        }
        #expect(error?.sqlState == "22P02")
        #expect(error?.isConnectionLost == false)
        #expect(error?.message.contains("sesame") == false)
        #expect(try connection.query("SELECT count(*) FROM public.t")[0, 0] == "0")
    }

    @Test("the next statement gives up a copy that was left open")
    func leftOpen() throws {
        let connection = try table("leftopen", "id int")
        try connection.execute("BEGIN")
        try connection.beginCopyIn("COPY public.t FROM STDIN")
        try put("1\n2\n", to: connection)
        try connection.execute("ROLLBACK")
        #expect(try connection.query("SELECT count(*) FROM public.t")[0, 0] == "0")
    }

    @Test("a statement that is no copy, or one of the other direction, is refused")
    func noCopy() throws {
        let connection = try table("nocopy", "id int")
        #expect(throws: PostgresError.self) { try connection.beginCopyIn("SELECT 1") }
        #expect(throws: PostgresError.self) { try connection.copyOut("SELECT 1") { _ in true } }
        #expect(try connection.query("SELECT 1")[0, 0] == "1")
        let error = #expect(throws: PostgresError.self) {
            try connection.copyOut("COPY public.nowhere TO STDOUT") { _ in true }
        }
        #expect(error?.sqlState == "42P01")
        #expect(try connection.query("SELECT 1")[0, 0] == "1")
        #expect(throws: PostgresError.self) { try connection.copyOut("COPY public.t FROM STDIN") { _ in true } }
        #expect(connection.isBroken)
    }

    @Test("a server that goes away in the middle is a lost connection", .timeLimit(.minutes(10)))
    func lost() throws {
        let database = try TestServer.source.database("lostcopy")
        let admin = try Connection(database)
        try admin.execute("CREATE TABLE public.t (body text)")
        for isReading in [true, false] {
            let connection = try Connection(database)
            let body = String(repeating: "x", count: 1 << 16) + "\n"
            let end: SQL = "SELECT pg_terminate_backend(\(connection.backendPID), 10000)"
            let error = #expect(throws: PostgresError.self) {
                if isReading {
                    var isEnded = false
                    _ = try connection.copyOut("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT") { _ in
                        if !isEnded { isEnded = (try? admin.query(end)) != nil }
                        return true
                    }
                } else {
                    try connection.beginCopyIn("COPY public.t FROM STDIN")
                    try put(body, to: connection)
                    _ = try admin.query(end)
                    for _ in 1...1000 { try put(body, to: connection) }
                    try connection.endCopyIn()
                }
            }
            #expect(error?.kind == .transient)
            #expect(error?.isConnectionLost == true)
            #expect(connection.isBroken)
        }
    }
}

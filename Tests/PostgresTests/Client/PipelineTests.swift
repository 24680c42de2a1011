import Postgres
import TestSupport
import Testing

@Suite("pipelines") struct PipelineTests {
    private func connection(_ name: String) throws -> Connection {
        let connection = try Connection(TestServer.source.database(name))
        try connection.execute("CREATE TABLE public.t (id int PRIMARY KEY, body text)")
        return connection
    }

    @Test("ten thousand statements run in order, each with its rows counted", .timeLimit(.minutes(10)))
    func manyStatements() throws {
        let connection = try connection("many")
        try connection.beginPipeline()
        try connection.sendPrepare("put", "INSERT INTO public.t VALUES ($1, $2)", types: [23, 0])
        let parameters = ParameterBuffer()
        for id in 0..<10_000 {
            parameters.removeAll()
            parameters.append(String(id))
            if id % 3 == 0 { parameters.appendNull() } else { parameters.append("it's \(id) \\ \t") }
            try connection.sendExecute("put", parameters)
        }
        try connection.send("UPDATE public.t SET body = body WHERE id < 1234")
        let outcome = try connection.endPipeline()
        #expect(outcome.failure == nil)
        #expect(outcome.affected.count == 10_002)
        #expect(outcome.affected[1...10_000].allSatisfy { $0 == 1 })
        #expect(outcome.affected.last == 1234)
        let rows = try connection.query(
            "SELECT count(*), count(body), count(*) FILTER (WHERE body = 'it''s ' || id || E' \\\\ \\t') FROM public.t")
        #expect((0..<3).map { rows[0, $0] } == ["10000", "6666", "6666"])
    }

    @Test("neither side waits for the other while both send more than any buffer holds", .timeLimit(.minutes(10)))
    func bothDirections() throws {
        let connection = try connection("both")
        let parameters = ParameterBuffer()
        parameters.append(String(repeating: "y", count: 100_000))
        try connection.beginPipeline()
        try connection.sendPrepare("echo", "SELECT $1::text", types: [])
        for _ in 0..<500 { try connection.sendExecute("echo", parameters) }
        let outcome = try connection.endPipeline()
        #expect(outcome.failure == nil)
        #expect(outcome.affected.count == 501)
    }

    @Test("the first failure is reported with its statement; nothing of the pipeline stays; the connection goes on")
    func failure() throws {
        let connection = try connection("failing")
        let parameters = ParameterBuffer()
        try connection.beginPipeline()
        try connection.sendPrepare("put", "INSERT INTO public.t VALUES ($1::int, 'x')", types: [])
        for id in ["1", "2", "sesame", "3", "1"] {
            parameters.removeAll()
            parameters.append(id)
            try connection.sendExecute("put", parameters)
        }
        let outcome = try connection.endPipeline()
        #expect(outcome.failure?.statement == 3)
        #expect(outcome.failure?.error.sqlState == "22P02")
        #expect(outcome.failure?.error.description.contains("sesame") == false)
        #expect(outcome.affected == [0, 1, 1])
        #expect(try connection.query("SELECT count(*) FROM public.t")[0, 0] == "0")
    }

    @Test("a transaction within the pipeline commits as a whole, and says so")
    func commit() throws {
        let connection = try connection("commit")
        try connection.beginPipeline()
        try connection.send("BEGIN")
        try connection.send("INSERT INTO public.t VALUES (1, 'a')")
        try connection.send("COMMIT")
        #expect(try connection.endPipeline().endsInCommit)
        try connection.execute("BEGIN")
        #expect(throws: PostgresError.self) { try connection.execute("SELECT 1/0") }
        try connection.beginPipeline()
        try connection.send("COMMIT")
        let outcome = try connection.endPipeline()
        #expect(outcome.failure == nil)
        #expect(!outcome.endsInCommit)
    }

    @Test("empty pipelines, and one after another, are nothing special")
    func empty() throws {
        let connection = try connection("empty")
        for _ in 0..<3 {
            try connection.beginPipeline()
            #expect(try connection.endPipeline().affected.isEmpty)
        }
        #expect(try connection.query("SELECT 1")[0, 0] == "1")
    }

    @Test("a session that ends in the middle is a lost connection", .timeLimit(.minutes(10)))
    func lost() throws {
        let connection = try connection("lostpipeline")
        let admin = try Connection(connection.parameters)
        try connection.beginPipeline()
        try connection.send("INSERT INTO public.t VALUES (1, 'a')")
        try connection.flush()
        #expect(try admin.query("SELECT pg_terminate_backend(\(connection.backendPID), 10000)")[0, 0] == "t")
        let error = #expect(throws: PostgresError.self) {
            for id in 2..<1000 { try connection.send("INSERT INTO public.t VALUES (\(id), 'b')") }
            _ = try connection.endPipeline()
        }
        #expect(error?.kind == .transient)
        #expect(error?.isConnectionLost == true)
        #expect(try admin.query("SELECT count(*) FROM public.t")[0, 0] == "0")
    }

    @Test("a value of a megabyte, and then small ones, go through the same buffer")
    func largeParameter() throws {
        let connection = try connection("largeparameter")
        let parameters = ParameterBuffer()
        try connection.beginPipeline()
        for (id, length) in [3, 1 << 20, 3, 5 << 20, 0].enumerated() {
            parameters.removeAll()
            parameters.append(String(id))
            parameters.append(String(repeating: "z", count: length))
            try connection.send("INSERT INTO public.t VALUES ($1, $2)", parameters, types: [23, 25])
        }
        #expect(try connection.endPipeline().failure == nil)
        let rows = try connection.query("SELECT string_agg(length(body)::text, ',' ORDER BY id) FROM public.t")
        #expect(rows[0, 0] == "3,1048576,3,5242880,0")
    }
}

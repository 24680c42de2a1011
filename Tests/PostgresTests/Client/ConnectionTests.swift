import Dispatch
import Glibc
import Postgres
import TestSupport
import Testing

@Suite("connections") struct ConnectionTests {
    @Test("values come as they are: null, empty, long, not ASCII, as bytes and as text")
    func values() throws {
        let connection = try Connection(TestServer.source.database("values"))
        let rows = try connection.query(
            "SELECT $1::text, $2::text, $3::text, repeat('x', 1048576), $4::text || '!'",
            [nil, "", "žluťoučký 🐎", "it's"])
        #expect(rows.count == 1)
        #expect(rows.columns == 5)
        #expect(rows[0, 0] == nil)
        #expect(rows[0, 1] == "")
        #expect(rows[0, 2] == "žluťoučký 🐎")
        #expect(rows.bytes(0, 3)?.count == 1 << 20)
        #expect(rows[0, 4] == "it's!")
        #expect(rows.bytes(0, 0) == nil)
        #expect(rows[1, 0] == nil)
        #expect(rows[0, 5] == nil)
    }

    @Test("several statements give the last one's rows, and the rows affected")
    func severalStatements() throws {
        let connection = try Connection(TestServer.source.database("several"))
        let rows = try connection.query(
            "SELECT 1; CREATE TABLE public.t (n int); INSERT INTO public.t SELECT generate_series(1, 7)")
        #expect(rows.affected == 7)
        #expect(try connection.query("SELECT 1; SELECT 2")[0, 0] == "2")
    }

    @Test(
        "no message quotes a row's value",
        arguments: [
            "SELECT 'sesame'::int", "SELECT ('9' || 'sesame')::date", "SELECT 'sesame'::public.mood",
            "SELECT '{sesame'::int[]", "SELECT 'sesame \"quoted\" here'::numeric", "SELECT 'sesame'::json",
            "INSERT INTO public.strict VALUES ('sesame')", "INSERT INTO public.strict VALUES ('sesame'), ('sesame')",
            "SELECT '9999999sesame'::inet", "SELECT 'sesame'::uuid", "SELECT '(sesame'::public.pair",
        ] as [SQL])
    func noValues(statement: SQL) throws {
        let connection = try Connection(TestServer.source.database("sesame"))
        try connection.execute(
            """
            CREATE TYPE public.mood AS ENUM ('well'); CREATE TYPE public.pair AS (a int, b int);
            CREATE TABLE public.strict (name varchar(10) UNIQUE CHECK (name <> 'sesame'))
            """)
        let error = #expect(throws: PostgresError.self) { try connection.execute(statement) }
        #expect(error?.message.contains("sesame") == false)
        #expect(error?.description.contains("sesame") == false)
    }

    @Test("a long statement is cancelled by another thread, and the connection goes on")
    func cancelling() throws {
        let database = try TestServer.source.database("cancelling")
        let connection = try Connection(database)
        let watcher = try Connection(database)
        let pid = connection.backendPID
        DispatchQueue.global().async {
            let sleeps: SQL = "SELECT 1 FROM pg_stat_activity WHERE pid = \(pid) AND wait_event = 'PgSleep'"
            // Cancelled also where it is never seen to sleep: the error says then what came instead.
            _ = eventually(seconds: 20) { (try? watcher.query(sleeps).count) != 0 }
            connection.cancel()
        }
        let error = #expect(throws: PostgresError.self) { try connection.query("SELECT pg_sleep(600)") }
        #expect(error?.sqlState == "57014")
        #expect(error?.kind == .transient)
        #expect(try connection.query("SELECT 1")[0, 0] == "1")
    }

    @Test("a session that the server ends is known as lost, with the server's reason, and can be asked again")
    func ended() throws {
        let database = try TestServer.source.database("ended")
        let connection = try Connection(database)
        let admin = try Connection(database)
        #expect(try admin.query("SELECT pg_terminate_backend(\(connection.backendPID), 10000)")[0, 0] == "t")
        let error = #expect(throws: PostgresError.self) { try connection.query("SELECT 1") }
        #expect(error?.sqlState == "57P01")
        #expect(error?.isConnectionLost == true)
        #expect(error?.kind == .transient)
        #expect(connection.isBroken)
        let again = #expect(throws: PostgresError.self) { try connection.query("SELECT 1") }
        #expect(again?.kind == .transient)
    }

    @Test("a zero byte is refused before anything is sent")
    func zeroByte() throws {
        let connection = try Connection(TestServer.source.database("zero"))
        #expect(throws: PostgresError.self) { try connection.query("SELECT \(literal: "a\0; DROP")") }
        #expect(throws: PostgresError.self) { try connection.query("SELECT \(id: "a\0b")") }
        #expect(throws: PostgresError.self) { try connection.query("SELECT $1::text", ["a\0b"]) }
        #expect(try connection.query("SELECT 1")[0, 0] == "1")
    }
}

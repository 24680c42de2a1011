import Postgres
import TestSupport
import Testing

@Suite("errors say what they ask for, and no secret") struct ErrorTests {
    @Test("a wrong password is a failure of authentication, and is not shown")
    func wrongPassword() throws {
        let server = try LocalServer("errors", password: "right")
        var parameters = server.parameters()
        parameters.password = "wr0ng-s3cret"
        for isReplication in [false, true] {
            let error = #expect(throws: PostgresError.self) {
                isReplication
                    ? try Connection(replicationConnectionTo: parameters) : try Connection(parameters)
            }
            #expect(error?.kind == .authentication)
            #expect(error?.description.contains("28P01") == true)
            #expect(!String(describing: error).contains("s3cret"))
            #expect(!String(reflecting: error).contains("s3cret"))
        }
        #expect(!"\(parameters)".contains("s3cret"))
        parameters.user = "nobody_of_that_name"
        let unknown = #expect(throws: PostgresError.self) { try Connection(parameters) }
        #expect(unknown?.kind == .authentication)
    }

    @Test("a server that is not there is told apart, and its address named")
    func unreachable() throws {
        let server = try LocalServer("gone")
        let parameters = server.parameters()
        server.stop()
        let error = #expect(throws: PostgresError.self) { try Connection(parameters) }
        #expect(error?.kind == .unreachable)
        #expect(error?.isConnectionLost == true)
        #expect(error?.description.contains("127.0.0.1:\(parameters.port)") == true)
    }

    @Test("a session that the server ends is a passing failure, and the connection is broken")
    func ended() throws {
        let database = try TestServer.source.database("ended")
        let (victim, admin) = (try Connection(database), try Connection(database))
        _ = try admin.query("SELECT pg_terminate_backend(\(victim.backendPID))")
        let error = #expect(throws: PostgresError.self) { try victim.query("SELECT 1") }
        #expect(error?.kind == .transient)
        #expect(error?.isConnectionLost == true)
        #expect(victim.isBroken)
    }

    @Test("a missing database and a missing privilege ask for an operator")
    func operatorIsNeeded() throws {
        var parameters = try TestServer.source.database("privilege")
        let admin = try Connection(parameters)
        let role = "plain_\(parameters.database)"
        try admin.execute("CREATE ROLE \(id: role) LOGIN; CREATE TABLE public.t (id int)")
        defer { try? admin.execute("DROP ROLE \(id: role)") }
        parameters.user = role
        let denied = #expect(throws: PostgresError.self) { try Connection(parameters).query("SELECT * FROM public.t") }
        #expect(denied?.kind == .needsOperator)
        #expect(denied?.sqlState == "42501")
        #expect(denied?.isConnectionLost == false)
        let stream = #expect(throws: PostgresError.self) { try Connection(replicationConnectionTo: parameters) }
        #expect(stream?.kind == .needsOperator)
        parameters.database = "no such database"
        let missing = #expect(throws: PostgresError.self) { try Connection(parameters) }
        #expect(missing?.kind == .needsOperator)
        #expect(missing?.message.contains("no such database") == true)
    }

    @Test("a broken constraint is named, and the row that broke it is kept out of the description")
    func constraint() throws {
        let connection = try Connection(TestServer.source.database("constraint"))
        try connection.execute("CREATE TABLE public.t (id text CONSTRAINT only_one PRIMARY KEY)")
        try connection.execute("INSERT INTO public.t VALUES ('private')")
        let error = #expect(throws: PostgresError.self) {
            try connection.execute("INSERT INTO public.t VALUES ('private')")
        }
        #expect(error?.constraint == "only_one")
        #expect(error?.schema == "public")
        #expect(error?.table == "t")
        #expect(error?.sqlState == "23505")
        #expect(error?.detail?.contains("private") == true)
        #expect(error.map { "\($0)".contains("private") } == false)
    }

    @Test("a conflict of transactions is passing")
    func serialization() throws {
        let database = try TestServer.source.database("serial")
        let (one, other) = (try Connection(database), try Connection(database))
        try one.execute("CREATE TABLE public.t (id int); INSERT INTO public.t VALUES (1)")
        try one.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.t")
        try other.execute("UPDATE public.t SET id = 2")
        let error = #expect(throws: PostgresError.self) { try one.execute("UPDATE public.t SET id = 3") }
        #expect(error?.sqlState == "40001")
        #expect(error?.kind == .transient)
    }

    @Test("a closed connection throws")
    func closed() throws {
        let connection = try Connection(TestServer.source.database("closed"))
        connection.close()
        #expect(connection.isBroken)
        #expect(throws: PostgresError.self) { try connection.execute("SELECT 1") }
    }
}

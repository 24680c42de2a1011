import Dispatch
import Glibc
import Postgres
import TestSupport
import Testing

@Suite("connections that can't be made") struct RefusedConnectionTests {
    private func refusal(_ parameters: ConnectionParameters) throws -> PostgresError {
        try #require(throws: PostgresError.self) { try Connection(parameters) }
    }

    @Test("a missing database, an unknown role and a password that is wrong are told apart by SQLSTATE")
    func byState() throws {
        let server = try LocalServer("refusals", settings: [("max_connections", "6")], password: "right")
        var parameters = server.parameters(database: "nowhere")
        var error = try refusal(parameters)
        #expect(error.sqlState == "3D000")
        #expect(error.kind == .needsOperator)
        #expect(error.isConnectionLost)
        #expect(error.message.contains("FATAL:  database \"nowhere\" does not exist"))

        parameters = server.parameters()
        parameters.password = "wrong"
        error = try refusal(parameters)
        #expect(error.sqlState == "28P01")
        #expect(error.kind == .authentication)
        #expect(!error.description.contains("wrong"))

        parameters.password = nil
        #expect(try refusal(parameters).kind == .authentication)

        parameters = server.parameters(user: "nobody_here")
        parameters.password = "any"
        #expect(try refusal(parameters).kind == .authentication)

        try server.connect().execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        parameters = server.parameters(user: "plain")
        parameters.password = "plain"
        let replication = #expect(throws: PostgresError.self) { try Connection(replicationConnectionTo: parameters) }
        #expect(replication?.sqlState == "42501")
        #expect(replication?.kind == .needsOperator)

        var open: [Connection] = []
        var full: PostgresError?
        while full == nil, open.count < 10 {
            do {
                open.append(try Connection(parameters))
            } catch let error as PostgresError {
                full = error
            }
        }
        #expect(full?.sqlState == "53300")
        #expect(full?.kind == .transient)
    }

    @Test("TLS that a server does not have, or whose files are missing, waits for an operator")
    func transportSecurity() throws {
        var parameters = try TestServer.source.database("tls")
        parameters.sslMode = "require"
        #expect(try refusal(parameters).kind == .needsOperator)
        parameters.sslMode = "verify-full"
        parameters.sslRootCert = "/nowhere/root.crt"
        #expect(try refusal(parameters).kind == .needsOperator)
        parameters.sslMode = "perhaps"
        #expect(try refusal(parameters).kind == .needsOperator)
    }

    @Test("a server that never answers is given up after the timeout")
    func silence() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int in
                guard bind(listener, address, size) == 0, listen(listener, 5) == 0,
                    getsockname(listener, address, &size) == 0
                else { return 0 }
                return 1
            }
        }
        try #require(port == 1)
        var parameters = ConnectionParameters(
            host: "127.0.0.1", port: Int(UInt16(bigEndian: address.sin_port)), database: "x", user: "x")
        parameters.connectTimeout = 1
        let start = ContinuousClock.now
        let error = try refusal(parameters)
        #expect(error.kind == .unreachable)
        #expect(error.message == "no answer within 1 s")
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test("a name that does not resolve is named")
    func unknownHost() throws {
        let error = try refusal(
            ConnectionParameters(host: "no-such-host.invalid", port: 5432, database: "x", user: "x"))
        #expect(error.kind == .unreachable)
        #expect(error.description.contains("no-such-host.invalid"))
    }

    @Test("a zero byte in a parameter is refused")
    func zeroByte() throws {
        let error = try refusal(ConnectionParameters(host: "db", port: 1, database: "d\0x", user: "u"))
        #expect(error.message.contains("zero byte"))
    }
}

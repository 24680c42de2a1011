import Foundation
import Postgres
import TestSupport
import Testing

/// Connections through a real `sshd`; the pipeline through tunnels that are cut is a test of the program.
@Suite("connections through an SSH host", .enabled(if: SSHServer.program != nil), .timeLimit(.minutes(10)))
struct TunnelTests {
    private func tunneled(
        _ parameters: ConnectionParameters, _ server: SSHServer, endpoint: String? = nil, key: String = "user",
        known: String = "known"
    ) throws -> ConnectionParameters {
        var parameters = parameters
        let (mode, root) = (parameters.sslMode, parameters.sslRootCert)
        let texts = [
            "sshEndpoint": endpoint ?? server.endpoint, "privateKey": try server.text(key),
            "knownHosts": server.path(known),
        ]
        try parameters.readWay { names in names.first == "networkTunnel" ? texts[names.last ?? ""] : nil }
        parameters.sslMode = mode
        parameters.sslRootCert = root
        return parameters
    }

    private func logins(_ server: SSHServer) throws -> Int {
        try server.text("log").components(separatedBy: "Accepted publickey").count - 1
    }

    @Test("both kinds share one, a cut one is made anew, and a socket's folder is one of the SSH host")
    func shared() throws {
        let server = try SSHServer()
        let direct = try TestServer.source.database("tunnel")
        let parameters = try tunneled(direct, server)
        let first = try Connection(parameters)
        let second = try Connection(replicationConnectionTo: parameters)
        #expect(try first.query("SELECT current_database()")[0, 0] == direct.database)
        #expect(try second.query("IDENTIFY_SYSTEM").count == 1)
        #expect(try logins(server) == 1)
        #expect(server.cut() > 0)
        #expect(throws: PostgresError.self) { try first.query("SELECT 1") }
        #expect(throws: PostgresError.self) { try second.query("IDENTIFY_SYSTEM") }
        #expect(try Connection(parameters).query("SELECT 1")[0, 0] == "1")
        #expect(try logins(server) == 2)
        let folder = try #require(
            try Connection(direct).query("SELECT current_setting('unix_socket_directories')")[0, 0])
        var inside = direct
        inside.host = folder
        let local = try Connection(try tunneled(inside, server))
        #expect(try local.query("SELECT inet_client_addr() IS NULL")[0, 0] == "t")
    }

    @Test("TLS verifies the database's name, and not the tunnel's", .enabled(if: Certificates.program != nil))
    func names() throws {
        let certificates = try Certificates()
        try certificates.makeAuthority("authority")
        try certificates.make("server", common: "localhost", names: "DNS:localhost", by: "authority")
        let database = try LocalServer("tunneled", settings: try certificates.settings("server"))
        defer { database.remove() }
        let server = try SSHServer()
        var parameters = database.parameters()
        parameters.host = "localhost"
        parameters.sslMode = "verify-full"
        parameters.sslRootCert = certificates.path("authority.crt")
        let connection = try Connection(try tunneled(parameters, server))
        #expect(try connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0, 0] == "t")
        parameters.host = "127.0.0.1"
        let wrong = try tunneled(parameters, server)
        let error = #expect(throws: PostgresError.self) { try Connection(wrong) }
        #expect(
            error?.message.contains("does not match host name \"127.0.0.1\"") == true, "\(String(describing: error))")
    }

    @Test("what ssh and the SSH host refuse is told with what mends it")
    func refusals() throws {
        let server = try SSHServer()
        let strict = try SSHServer(options: ["PermitOpen 127.0.0.1:1"])
        let direct = try TestServer.source.database("tunnel_refused")
        var nowhere = direct
        nowhere.port = 1
        func expect(
            _ parameters: @autoclosure () throws -> ConnectionParameters, _ kind: PostgresError.Class,
            _ message: String,
            _ hint: String
        ) throws {
            let error = #expect(throws: PostgresError.self) { try Connection(try parameters()) }
            let text = "\(error.map(String.init(describing:)) ?? "") / \(error?.hint ?? "")"
            #expect(error?.message.contains(message) == true && error?.hint?.contains(hint) == true, "\(text)")
            #expect(error?.kind == kind, "\(text)")
            #expect(!text.contains("PRIVATE KEY") && !text.contains("b3BlbnNzaC1rZXk"))
        }
        let user = SSHServer.user
        try expect(
            try tunneled(direct, server, endpoint: "ssh://\(user)@127.0.0.1:1"), .unreachable, "Connection refused",
            "sshEndpoint")
        try expect(
            try tunneled(direct, server, endpoint: "ssh://\(user)@no-such-host.invalid"), .unreachable,
            "Could not resolve hostname", "sshEndpoint")
        try expect(
            try tunneled(direct, server, key: "stranger"), .authentication, "refuses the user", "authorized_keys")
        try expect(
            try tunneled(direct, server, known: "none"), .needsOperator, "key is not known",
            "ssh-keyscan -p \(server.port)")
        try expect(
            try tunneled(direct, server, known: "changed"), .needsOperator, "is not the one that is known",
            "ssh-keygen -f")
        try expect(
            try tunneled(direct, strict), .needsOperator, "does not forward to 127.0.0.1:\(direct.port)", "PermitOpen")
        try expect(try tunneled(nowhere, server), .unreachable, "does not reach 127.0.0.1:1", "as the SSH host sees it")
        try expect(try tunneled(direct, server, key: "user.pub"), .needsOperator, "not a private key", "-----BEGIN")
        let locked = try ChildProcess(
            "ssh-keygen", ["-q", "-t", "ed25519", "-N", "hidden-phrase", "-f", server.path("locked")])
        #expect(locked.wait() == 0)
        try expect(try tunneled(direct, server, key: "locked"), .needsOperator, "asks for a passphrase", "ssh-agent")
        let lines = try server.text("user").components(separatedBy: "\n")
        try ([lines[0], lines[1], lines[lines.count - 2]].joined(separator: "\n"))
            .write(toFile: server.path("torn"), atomically: true, encoding: .utf8)
        try expect(try tunneled(direct, server, key: "torn"), .needsOperator, "can't read", "as ssh-keygen wrote it")
        for endpoint in [
            "ssh://bastion", "ssh://-oProxyCommand=x@h", "ssh://u@-oh", "ssh://u:p@h", "u@h", "ssh://u@h:0",
        ] {
            try expect(
                try tunneled(direct, server, endpoint: endpoint), .needsOperator, "ssh://user@host", "privateKey")
        }
    }
}

import Foundation
import Postgres
import TestSupport
import Testing

/// A real server with TLS, whose certificate is of `localhost` only, and what it and its clients show each other.
private final class GuardedServer {
    let certificates: Certificates
    let server: LocalServer

    init() throws {
        certificates = try Certificates()
        try certificates.makeAuthority("authority")
        try certificates.makeAuthority("stranger")
        try certificates.make("server", common: "localhost", names: "DNS:localhost", by: "authority")
        try certificates.make(
            "expired", common: "localhost", names: "DNS:localhost", by: "authority", isExpired: true)
        try certificates.make("alone", common: "localhost", names: "DNS:localhost")
        try certificates.make("certified", common: "certified", by: "authority")
        try certificates.make("other", common: "other", by: "authority")
        try certificates.make("foreign", common: "certified", by: "stranger")
        let rules = certificates.path("rules")
        try """
        hostssl all certified 127.0.0.1/32 cert
        hostssl all secured 127.0.0.1/32 trust
        hostnossl all plain 127.0.0.1/32 trust
        hostssl all certified ::1/128 cert
        hostssl all secured ::1/128 trust
        hostnossl all plain ::1/128 trust
        host all postgres 127.0.0.1/32 trust
        """.write(toFile: rules, atomically: true, encoding: .utf8)
        var settings = try certificates.settings("server", clients: "authority")
        for name in ["expired", "alone"] { _ = try certificates.settings(name) }
        settings.append(("hba_file", rules))
        server = try LocalServer("tls", settings: settings)
        try server.connect().execute(
            """
            CREATE ROLE certified LOGIN REPLICATION; CREATE ROLE secured LOGIN REPLICATION;
            CREATE ROLE plain LOGIN REPLICATION
            """)
    }

    func parameters(_ user: String, _ mode: String, host: String = "localhost", root: String? = nil)
        -> ConnectionParameters
    {
        var parameters = ConnectionParameters(host: host, port: server.port, database: "postgres", user: user)
        parameters.sslMode = mode
        parameters.sslRootCert = root.map { certificates.path($0) }
        return parameters
    }

    /// Has it show another certificate to new connections.
    func show(_ name: String) throws {
        let admin = try server.connect()
        try admin.execute("ALTER SYSTEM SET ssl_cert_file = \(literal: certificates.path("\(name).crt"))")
        try admin.execute("ALTER SYSTEM SET ssl_key_file = \(literal: certificates.path("\(name).key"))")
        try admin.execute("SELECT pg_reload_conf()")
    }
}

@Suite("TLS to a real server", .enabled(if: Certificates.program != nil), .timeLimit(.minutes(10)))
struct TLSTests {
    /// Whether both kinds of connections are encrypted.
    private func isEncrypted(_ parameters: ConnectionParameters) throws -> Bool {
        let sql: SQL = "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()"
        let ordinary = try Connection(parameters).query(sql)[0, 0] == "t"
        let replication = try Connection(replicationConnectionTo: parameters).query(sql)[0, 0] == "t"
        #expect(ordinary == replication, "\(parameters)")
        return ordinary
    }

    /// The refusal of both kinds of connections.
    private func refusal(_ parameters: ConnectionParameters) throws -> PostgresError {
        let ordinary = #expect(throws: PostgresError.self) { try Connection(parameters) }
        let replication = #expect(throws: PostgresError.self) {
            try Connection(replicationConnectionTo: parameters)
        }
        let error = try #require(ordinary)
        #expect(error.message == replication?.message && error.hint == replication?.hint)
        return error
    }

    @Test("every mode is what it says, what is not trusted is refused with its reason, and what mends it is named")
    func modes() throws {
        let guarded = try GuardedServer()
        defer { guarded.server.remove() }
        try accepted(guarded)
        try clients(guarded)
        try servers(guarded)
    }

    private func accepted(_ guarded: GuardedServer) throws {
        #expect(try !isEncrypted(guarded.parameters("plain", "disable")))
        #expect(try !isEncrypted(guarded.parameters("plain", "allow")))
        #expect(try isEncrypted(guarded.parameters("secured", "allow")))
        #expect(try !isEncrypted(guarded.parameters("plain", "prefer")))
        #expect(try isEncrypted(guarded.parameters("secured", "prefer")))
        #expect(try isEncrypted(guarded.parameters("secured", "require", host: "127.0.0.1")))
        #expect(try isEncrypted(guarded.parameters("secured", "verify-ca", host: "127.0.0.1", root: "authority.crt")))
        #expect(try isEncrypted(guarded.parameters("secured", "verify-full", root: "authority.crt")))
        var inline = guarded.parameters("secured", "verify-full")
        inline.sslRootCert = try guarded.certificates.text("authority.crt")
        #expect(try isEncrypted(inline))
    }

    /// What is wrong with the client, or with what it asks for.
    private func clients(_ guarded: GuardedServer) throws {
        func expect(_ parameters: ConnectionParameters, _ message: String, _ hint: String) throws {
            let error = try refusal(parameters)
            #expect(error.message.contains(message), "\(error) / \(error.hint ?? "")")
            #expect(error.hint?.contains(hint) == true, "\(error) / \(error.hint ?? "")")
            #expect(error.kind == .needsOperator || error.kind == .authentication, "\(error)")
        }
        func certified(_ certificate: String?, _ key: String?) throws -> ConnectionParameters {
            var parameters = guarded.parameters("certified", "verify-full", root: "authority.crt")
            parameters.sslCert = try certificate.map { try guarded.certificates.text($0) }
            parameters.sslKey = try key.map { try guarded.certificates.text($0) }
            return parameters
        }
        try expect(guarded.parameters("secured", "disable"), "no encryption", "advanced.sslmode to verify-full")
        try expect(guarded.parameters("plain", "require"), "SSL encryption", "set advanced.sslmode to disable")
        try expect(try certified(nil, nil), "requires a valid client certificate", "set advanced.sslcert")
        #expect(try isEncrypted(try certified("certified.crt", "certified.key")))
        try expect(try certified("other.crt", "other.key"), "certificate authentication failed", "common name")
        try expect(try certified("foreign.crt", "foreign.key"), "unknown ca", "signed by an authority")
        try expect(try certified("certified.crt", "other.key"), "advanced.sslkey", "client's certificate and its key")
        try expect(try certified("certified.crt", nil), "private key", "set advanced.sslkey")
        try expect(try certified("certified.crt", "certified.crt"), "could not load private key", "in PEM")
        try guarded.certificates.openssl([
            "pkey", "-in", guarded.certificates.path("certified.key"), "-aes256", "-passout", "pass:hidden", "-out",
            guarded.certificates.path("locked.key"),
        ])
        try expect(try certified("certified.crt", "locked.key"), "could not load private key", "passphrase")
        var open = try certified("certified.crt", "certified.key")
        open.sslKey = guarded.certificates.path("certified.key")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: guarded.certificates.path("certified.key"))
        try expect(open, "has group or world access", "chmod 600")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600], ofItemAtPath: guarded.certificates.path("certified.key"))
        #expect(try isEncrypted(open))
        var system = guarded.parameters("secured", "verify-ca")
        system.sslRootCert = "system"
        try expect(system, "does not look at the server's name", "verify-full")
    }

    /// What is wrong with what the server shows.
    private func servers(_ guarded: GuardedServer) throws {
        func expect(_ parameters: ConnectionParameters, _ message: String, _ hint: String) throws {
            var error = try refusal(parameters)
            // A reloaded server shows its new certificate when it has come to it.
            _ = eventually(seconds: 20) {
                error = (try? refusal(parameters)) ?? error
                return error.message.contains(message)
            }
            #expect(
                error.message.contains(message) && error.hint?.contains(hint) == true, "\(error) / \(error.hint ?? "")")
            #expect(error.kind == .needsOperator, "\(error)")
        }
        let full = guarded.parameters("secured", "verify-full", root: "authority.crt")
        try expect(
            guarded.parameters("secured", "verify-full", host: "127.0.0.1", root: "authority.crt"),
            "does not match host name \"127.0.0.1\"", "verify-ca")
        try expect(
            guarded.parameters("secured", "verify-ca", root: "stranger.crt"),
            "certificate in certificate chain (it was signed by /CN=authority)", "advanced.sslrootcert")
        try expect(guarded.parameters("secured", "verify-ca", root: "nowhere.crt"), "does not exist", "sslrootcert")
        var system = guarded.parameters("secured", "verify-full")
        system.sslRootCert = "system"
        try expect(system, "not trusted", "advanced.sslrootcert")
        try guarded.show("expired")
        try expect(full, "certificate has expired", "renewed")
        try guarded.show("alone")
        try expect(full, "self-signed certificate", "the server's own")
        var alone = full
        alone.sslRootCert = try guarded.certificates.text("alone.crt")
        #expect(try isEncrypted(alone))
        var without = try TestServer.source.database("without_tls")
        without.sslMode = "require"
        try expect(without, "does not support SSL", "ssl = on")
    }
}

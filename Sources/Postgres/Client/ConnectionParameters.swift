/// What it takes to connect. The password shows in no description, and travels as a parameter, never in a string.
public struct ConnectionParameters: Sendable, CustomStringConvertible {
    public var host: String
    public var port: Int
    public var database: String
    public var user: String
    public var password: String?
    /// libpq's modes: disable, allow, prefer, require, verify-ca, verify-full.
    public var sslMode = "prefer"
    /// A file's path, or the text itself in PEM; of authorities also `system`.
    public var sslRootCert: String?
    public var sslCert: String?
    public var sslKey: String?
    /// The way to the server; host and port are then those that the SSH host sees.
    public var tunnel: SSHTunnel?
    public var applicationName = "flowctl"
    /// Seconds, for connecting and logging in together.
    public var connectTimeout = 20

    public init(host: String, port: Int, database: String, user: String, password: String? = nil) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.password = password
    }

    /// Takes over what the config of an endpoint says of TLS and of a tunnel; `text` finds a property by the names that lead to
    /// it. Throws a `PostgresError` that names the property.
    public mutating func readWay(_ text: (_ names: [String]) -> String?) throws {
        if let mode = text(["advanced", "sslmode"]) { sslMode = mode }
        sslRootCert = text(["advanced", "sslrootcert"])
        sslCert = text(["advanced", "sslcert"])
        sslKey = text(["advanced", "sslkey"])
        let forwarding = ["networkTunnel", "sshForwarding"]
        guard let endpoint = text(forwarding + ["sshEndpoint"]) else { return }
        tunnel = SSHTunnel(
            through: try SSHEndpoint(endpoint), key: try text(forwarding + ["privateKey"]).map { try SSHKey($0) },
            knownHosts: text(forwarding + ["knownHosts"]), host: host, port: port)
    }

    /// The role that the user is at the server.
    public var role: String { Platform.role(ofLogin: user, host: host) }

    /// The host to use in its place, where its name is a pooler's.
    public var directHost: String? { Platform.directHost(insteadOf: host, port: port, user: user) }

    public var description: String { "\(user)@\(host):\(port)/\(database)" }

    /// libpq's keywords and values (manual, "Parameter Key Words") but for TLS' files. A dead peer is noticed within a minute
    /// or two. With a port of a tunnel the host only names the server: to TLS, which verifies the name.
    func keywords(isReplication: Bool, tunnelPort: Int?) -> [(String, String)] {
        var all = [
            ("host", host), ("port", String(tunnelPort ?? port)), ("dbname", database), ("user", user),
            ("sslmode", sslMode),
            ("application_name", applicationName), ("client_encoding", "UTF8"), ("keepalives", "1"),
            ("keepalives_idle", "30"), ("keepalives_interval", "10"),
            ("keepalives_count", "6"), ("tcp_user_timeout", "120000"),
        ]
        if tunnelPort != nil { all.append(("hostaddr", "127.0.0.1")) }
        if let password { all.append(("password", password)) }
        if isReplication { all.append(("replication", "database")) }
        return all
    }
}

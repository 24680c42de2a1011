/// What it takes to connect. The password shows in no description, and travels as a parameter, never in a string.
public struct ConnectionParameters: Sendable, CustomStringConvertible {
    public var host: String
    /// An IP address to connect to in place of the host, which then only names the server: what TLS checks through a
    /// tunnel.
    public var hostAddress: String?
    public var port: Int
    public var database: String
    public var user: String
    public var password: String?
    /// libpq's modes: disable, allow, prefer, require, verify-ca, verify-full.
    public var sslMode = "prefer"
    public var sslRootCert: String?
    public var sslCert: String?
    public var sslKey: String?
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

    public var description: String { "\(user)@\(host):\(port)/\(database)" }

    /// libpq's keywords and values (manual, "Parameter Key Words"). A dead peer is noticed within a minute or two.
    func keywords(isReplication: Bool) -> [(String, String)] {
        var all = [
            ("host", host), ("port", String(port)), ("dbname", database), ("user", user), ("sslmode", sslMode),
            ("application_name", applicationName), ("client_encoding", "UTF8"), ("keepalives", "1"),
            ("keepalives_idle", "30"), ("keepalives_interval", "10"),
            ("keepalives_count", "6"), ("tcp_user_timeout", "120000"),
        ]
        if let hostAddress { all.append(("hostaddr", hostAddress)) }
        if let password { all.append(("password", password)) }
        if let sslRootCert { all.append(("sslrootcert", sslRootCert)) }
        if let sslCert { all.append(("sslcert", sslCert)) }
        if let sslKey { all.append(("sslkey", sslKey)) }
        if isReplication { all.append(("replication", "database")) }
        return all
    }
}

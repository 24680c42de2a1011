import Connectors
import Postgres

/// Whether the user gets in, to the database itself and to its log.
struct LoginCheck {
    let checking: SourceChecking

    func run() throws {
        let parameters = checking.config.connection
        let direct = parameters.directHost
        var refused: PostgresError?
        do {
            let replication = try Connection(replicationConnectionTo: parameters)
            defer { replication.close() }
            _ = try replication.query("IDENTIFY_SYSTEM")
        } catch let error as PostgresError {
            refused = error
        }
        if try direct != nil || (refused.map { try isPooler($0) } ?? false) {
            checking.add(
                .unmet, "address \(parameters.host):\(parameters.port)",
                "it is a connection pooler's, and the log is read from the database server itself",
                .step("set the capture's address to \(direct ?? "the host and port of the server behind it")"))
        } else if let refused {
            let isRight = refused.sqlState == "42501" || refused.message.contains("replication role")
            checking.add(
                .unmet, "replication", isRight ? "the role may not read the log" : refused.message,
                isRight ? .sql(try grant()) : .step(LoginCheck.hint(refused) ?? "see the server's log"), isOfRole: true)
        }
        try checkEncryption()
    }

    /// A server that was restored elsewhere still has the roles of its platform, and gives their members nothing.
    private func grant() throws -> String {
        let rows = try checking.connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication' AND pg_has_role(oid, 'USAGE'))
            """)
        let platform = rows[0, 0] == "t" ? Platform.selfHosted : checking.platform
        return platform.replicationGrant(checking.role)
    }

    /// A pooler refuses what asks for replication, or answers with a process number of its own making, as a server's own
    /// proxy may too: it counts only where the log can't be read.
    private func isPooler(_ refused: PostgresError) throws -> Bool {
        if refused.sqlState == "0A000" || refused.message.contains("unsupported startup parameter") { return true }
        guard refused.sqlState != "42501" else { return false }
        return try checking.connection.query("SELECT pg_backend_pid()")[0, 0] != String(checking.connection.backendPID)
    }

    private func checkEncryption() throws {
        let parameters = checking.config.connection
        let isLocal = parameters.host.hasPrefix("/") || ["localhost", "127.0.0.1", "::1"].contains(parameters.host)
        let rows = try checking.connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        if rows[0, 0] != "t", !isLocal {
            checking.add(
                .advice, "connection", "it is not encrypted",
                .step("set advanced.sslmode to verify-full, or to require"))
        } else if checking.platform == .neon, parameters.sslMode != "verify-full" {
            checking.add(
                .advice, "connection", "the server's name is not verified", .step("set advanced.sslmode to verify-full")
            )
        }
    }

    private static func hint(_ error: PostgresError) -> String? {
        error.asRunError(operation: "", object: "").hint
    }

    /// What kept the user from getting in at all.
    static func refused(_ error: any Error, _ parameters: ConnectionParameters) -> Prerequisite {
        guard let error = error as? PostgresError else {
            return Prerequisite(.unmet, "database \(parameters)", role: parameters.role, "it can't be checked")
        }
        let database = Identifier(parameters.database)
        let role = Identifier(parameters.role)
        let remedy: Prerequisite.Remedy? =
            switch error.sqlState {
            case "42501": .sql("GRANT CONNECT ON DATABASE \(database) TO \(role);")
            case "3D000": .step("check the database's name (case is significant), or make it")
            case "28P01" where error.hint == nil:
                .step("check the password, or set it: ALTER ROLE \(role) PASSWORD '…';")
            case "28000" where error.hint == nil:
                .step("check that the role is there and may log in, and the server's pg_hba.conf")
            default: hint(error).map { .step($0) }
            }
        return Prerequisite(.unmet, "database \(parameters)", role: parameters.role, error.message, remedy)
    }
}

import Connectors
import Postgres

/// Opens connections whose sessions are alike, whatever the role's and the database's own settings.
enum DestinationConnection {
    /// The oldest server that is written to.
    static let oldestVersion = 110_000

    /// A session, and whether foreign keys and ordinary triggers rest in it.
    struct Opened {
        var connection: Connection
        var isReplica: Bool
    }

    /// Connects for reading and for metadata.
    static func plain(_ config: PostgresMaterialization.Config, _ scope: ErrorScope) throws -> Connection {
        var parameters = config.connection
        parameters.applicationName = "flowctl"
        let connection = try scope.rethrowing { try Connection(parameters) }
        guard connection.serverVersion >= oldestVersion else {
            throw scope.error(
                .needsOperator,
                "its version \(connection.serverVersion / 10_000) is too old; 11 is the first that serves",
                hint: "upgrade the destination's server")
        }
        return connection
    }

    /// Connects for looking only: the session can change nothing, and waits for nobody for long.
    static func watching(_ config: PostgresMaterialization.Config, _ scope: ErrorScope) throws -> Connection {
        var hasty = config
        hasty.connection.connectTimeout = 10
        let connection = try plain(hasty, scope)
        try scope.rethrowing {
            try connection.execute("SET default_transaction_read_only = on; SET statement_timeout = '10s'")
        }
        return connection
    }

    /// Connects for storing rows.
    static func forRows(_ config: PostgresMaterialization.Config, _ scope: ErrorScope) throws -> Opened {
        let connection = try plain(config, scope)
        try scope.rethrowing { try connection.execute(rowSettings) }
        return Opened(connection: connection, isReplica: try takeRole(config, connection, scope))
    }

    /// Statements name rows by key and find them through its index, whatever the statistics say or don't say: a plan that
    /// was good for an empty table must be good for a large one; and one that looks for a single row ends with the first. A commit that returns is durable.
    private static let rowSettings: SQL = """
        SET jit = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;
        SET enable_bitmapscan = off; SET client_min_messages = warning; SET default_transaction_isolation = 'read committed';
        SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
        """

    /// Has the open transaction be like those of `forRows`: whether foreign keys and ordinary triggers rest in it. For one that
    /// is rolled back.
    static func takeRoleLocally(_ config: PostgresMaterialization.Config, _ connection: Connection) throws {
        guard config.replicationRole != .origin else {
            return try connection.execute("SET LOCAL session_replication_role = origin")
        }
        try connection.execute("SAVEPOINT flow_role")
        do {
            try connection.execute("SET LOCAL session_replication_role = replica; RELEASE SAVEPOINT flow_role")
        } catch let error as PostgresError where error.sqlState == "42501" {
            try connection.execute("ROLLBACK TO SAVEPOINT flow_role; RELEASE SAVEPOINT flow_role")
        }
    }

    /// Has foreign keys and ordinary triggers rest in the session where the role may; whether they do.
    static func takeRole(
        _ config: PostgresMaterialization.Config, _ connection: Connection, _ scope: ErrorScope
    ) throws -> Bool {
        switch config.replicationRole {
        case .origin:
            try scope.rethrowing { try connection.execute("SET session_replication_role = origin") }
            return false
        case .replica:
            try scope.rethrowing { try connection.execute("SET session_replication_role = replica") }
            return true
        case .automatic:
            do {
                try connection.execute("SET session_replication_role = replica")
                return true
            } catch let error as PostgresError where error.sqlState == "42501" {
                return false
            } catch let error as PostgresError {
                throw scope.error(error)
            }
        }
    }
}

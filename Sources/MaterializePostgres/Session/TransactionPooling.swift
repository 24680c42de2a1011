import Connectors
import Postgres

/// A pooler that hands its server's sessions from one client to the next between transactions. What a session is set to then
/// belongs to whoever comes by, the settings that values are read under among it, so that nothing is stored through one.
enum TransactionPooling {
    /// Sessions that are held open beside the first: each takes a server's session that is free.
    private static let others = 2

    /// Throws where the session's own server process turns up behind another session while this one is there. One of a server
    /// without a pooler, or of a pooler in session mode, has it to itself.
    static func refuse(
        _ connection: Connection, _ config: PostgresMaterialization.Config, _ scope: ErrorScope
    ) throws {
        let own = try scope.rethrowing { try connection.query("SELECT pg_backend_pid()")[0, 0] }
        guard own != String(connection.backendPID) else { return }
        var held: [Connection] = []
        defer { for connection in held { connection.close() } }
        for _ in 0..<others {
            do {
                let other = try Connection(config.connection)
                held.append(other)
                let found = try other.query("BEGIN; SELECT pg_backend_pid()")[0, 0]
                if found == own { throw refusal(scope) }
            } catch let error as PostgresError {
                // PgBouncer in statement mode takes no transaction at all.
                throw error.message.contains("statement pooling") ? refusal(scope) : scope.error(error)
            }
        }
    }

    private static func refusal(_ scope: ErrorScope) -> RunError {
        scope.error(
            .needsOperator,
            "a connection pooler in transaction mode stands between, and loses what a session is set to",
            hint: "name the database server itself in the address, or set the pooler to session mode for this database "
                + "(PgBouncer: pool_mode=session)")
    }
}

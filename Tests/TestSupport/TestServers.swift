import Postgres

/// The pair of servers that the tests of one run share, and what a pipeline between them needs.
public enum TestServers {
    /// Two new databases, one at each server, of a name that no other test has.
    public static func freshDatabases(
        _ name: String
    ) throws -> (source: ConnectionParameters, destination: ConnectionParameters) {
        (try TestServer.source.database(name), try TestServer.destination.database(name))
    }

    /// Ends the sessions that a killed program has left in the connections' database, and waits until none is there but these.
    public static func endSessions(besides connections: Connection...) throws -> Bool {
        let own = try connections.compactMap { try $0.query("SELECT pg_backend_pid()")[0, 0] }
        return try eventually(seconds: 60) {
            try connections[0].query(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND backend_type = 'client backend'
                   AND pid NOT IN (\(raw: own.joined(separator: ", ")))
                """
            ).count == 0
        }
    }

    /// Drops every replication slot of a database, and ends whoever streams from one.
    public static func dropSlots(of database: ConnectionParameters) throws {
        let connection = try Connection(database)
        let isDone = eventually(seconds: 60) {
            _ = try? connection.query(
                """
                SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots
                WHERE database = current_database() AND active
                """)
            _ = try? connection.query(
                """
                SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
                WHERE database = current_database() AND NOT active
                """)
            let left = try? connection.query(
                "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")
            return left?[0, 0] == "0"
        }
        guard isDone else {
            throw PostgresError(operation: "drop slots", message: "a slot of \(database.database) stays in use")
        }
    }

    /// Ends sessions, drops slots and drops the database.
    public static func drop(_ database: ConnectionParameters) throws {
        try dropSlots(of: database)
        var other = database
        other.database = "postgres"
        try Connection(other).execute("DROP DATABASE \(id: database.database) WITH (FORCE)")
    }
}

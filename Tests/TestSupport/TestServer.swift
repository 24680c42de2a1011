import Postgres
import Synchronization

/// Real servers that the tests of one run share. The first test that asks starts one; it goes away with the process, since
/// its guardian sees the end. A test that kills or reconfigures a server starts a `LocalServer` of its own instead.
public enum TestServer: String, Sendable {
    case source, destination

    private static let running = Mutex<[TestServer: LocalServer]>([:])
    private static let databases = Atomic<Int>(0)

    /// A new database of a name that no other test has.
    public func database(_ name: String) throws -> ConnectionParameters {
        var parameters = try Self.running.withLock { running in
            if let server = running[self] { return server.parameters() }
            let server = try LocalServer(
                "tests-\(rawValue)",
                settings: [
                    ("max_connections", "400"), ("max_replication_slots", "200"), ("max_wal_senders", "100"),
                    ("shared_buffers", "128MB"), ("max_prepared_transactions", "10"),
                ])
            running[self] = server
            return server.parameters()
        }
        let unique = "\(name)_\(Self.databases.add(1, ordering: .relaxed).newValue)"
        try Connection(parameters).execute("CREATE DATABASE \(id: unique)")
        parameters.database = unique
        return parameters
    }
}

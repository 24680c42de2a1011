import Synchronization

/// The connections of this process, so that whoever ends it need not wait for a statement that waits for somebody's lock.
public enum OpenConnections {
    private struct Entry {
        weak var connection: Connection?
    }

    private static let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    static func add(_ connection: Connection) {
        entries.withLock { $0[ObjectIdentifier(connection)] = Entry(connection: connection) }
    }

    static func remove(_ connection: Connection) {
        entries.withLock { $0[ObjectIdentifier(connection)] = nil }
    }

    /// Has every statement that runs now fail with SQLSTATE 57014.
    public static func cancelStatements() {
        for connection in entries.withLock({ $0.values.compactMap(\.connection) }) { connection.cancel() }
    }
}

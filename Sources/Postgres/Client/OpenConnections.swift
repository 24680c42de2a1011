import Synchronization

/// The connections of this process, so that whoever ends it need not wait for a statement that waits for somebody's lock.
public enum OpenConnections {
    private struct Entry {
        weak var connection: Connection?
    }

    private static let entries = Mutex<[ObjectIdentifier: Entry]>([:])
    private static let timesGivenUp = Mutex(0)

    /// How often everything was given up: a connection that is being made gives up where it changes.
    static var generation: Int { timesGivenUp.withLock(\.self) }

    static func add(_ connection: Connection) {
        entries.withLock { $0[ObjectIdentifier(connection)] = Entry(connection: connection) }
    }

    static func remove(_ connection: Connection) {
        entries.withLock { $0[ObjectIdentifier(connection)] = nil }
    }

    /// Has every statement that runs now fail with SQLSTATE 57014, and every connection that is being made now, at the latest
    /// half a second from now.
    public static func giveUp() {
        timesGivenUp.withLock { $0 += 1 }
        for connection in entries.withLock({ $0.values.compactMap(\.connection) }) { connection.cancel() }
    }
}

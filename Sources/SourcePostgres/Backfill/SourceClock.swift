import Connectors
import Postgres

/// The source's own clock, which its commits are stamped by.
enum SourceClock {
    /// Microseconds since 2000-01-01 UTC, now: not the time at which a transaction began.
    static func now(_ connection: Connection) throws -> Int64 {
        let rows = try connection.query(
            """
            SELECT floor(extract(epoch FROM clock_timestamp() - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint
            """)
        guard let time = rows[0, 0].flatMap({ Int64($0) }) else {
            throw RunError(.internal, operation: "read", object: "the source's clock", message: "it gave no time")
        }
        return time
    }
}

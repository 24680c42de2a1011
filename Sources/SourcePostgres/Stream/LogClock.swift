import Connectors
import Postgres

/// Until when, by the source's clock, everything that was committed is before a place in its log.
///
/// A keepalive says how far the log was sent, which can be long before its end. So the log's end is noted with the time, and
/// that time counts once the stream has come so far.
struct LogClock {
    private static let interval: Int64 = 1_000

    /// Where the log ended as it was last looked at, and the source's clock then.
    private var noted: (position: LogPosition, time: Int64)?
    private var lastLook: Int64 = -LogClock.interval

    /// Microseconds since 2000-01-01 UTC; 0 where nothing new is known. `now` is in milliseconds; asks the source at most
    /// once a second.
    mutating func time(at position: LogPosition, now: Int64, _ connection: Connection) throws -> Int64 {
        if noted == nil, now - lastLook >= LogClock.interval {
            lastLook = now
            noted = try look(connection)
        }
        guard let noted, noted.position <= position else { return 0 }
        self.noted = nil
        return noted.time
    }

    private func look(_ connection: Connection) throws -> (position: LogPosition, time: Int64)? {
        let rows = try connection.query(
            """
            SELECT trunc(extract(epoch FROM clock_timestamp() - '2000-01-01 00:00:00+00') * 1000000)::bigint,
                   CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END
            """)
        guard let time = rows[0, 0].flatMap({ Int64($0) }), let end = rows[0, 1].flatMap({ LogPosition($0) }) else {
            return nil
        }
        return (WALPage.endOfLastRecord(end), time)
    }
}

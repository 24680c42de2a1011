import Connectors
import Glibc
import Postgres

/// Makes sure that what was read from tables survives a crash of the source.
///
/// Readers see a commit before its record is on disk: for some hundred milliseconds where it is asynchronous, for a moment
/// where it is not. So do they see that a transaction is over that was rolled back, whose record nobody waits for. A crash in
/// between undoes both, and the server gives the same transaction ids out again: changes of their new owners would pass for
/// ones that the rows contain. The stream never shows what is not on disk; rows that were read from tables count only when the
/// log is there up to the place where it was when they could be seen.
///
/// An id of a subtransaction can be given out with no record in the log (its first may be still to come, or be about a temporary
/// table), and no snapshot lists it. It can't be another's after a crash all the same: a snapshot ends behind the newest id that was over
/// (`latestCompletedXid`), and nothing is over, be it a transaction or a subtransaction that was rolled back, before the record of its end is in
/// the log. With that on disk, every id that is given out after a crash is beyond all that the snapshot takes for over.
struct LogFlush {
    /// Outside of any transaction.
    let connection: Connection
    /// Nothing may be written to this source, not even to its log.
    let isReadOnly: Bool
    var isStopped: () -> Bool = { false }

    /// Looks that the log is given to get there by itself, five milliseconds apart.
    private static let looks = 4

    /// Returns when the log is on disk up to there; at once for most. What lags behind without anybody's commit (pages that a
    /// reader tidied up) waits for the server's own pace, of seconds: then a message that nobody listens to is committed, unless
    /// the source is read-only.
    func wait(for position: LogPosition) throws {
        for look in 0... {
            let rows = try connection.query("SELECT pg_current_wal_flush_lsn()")
            if let flushed = rows[0, 0].flatMap({ LogPosition($0) }), flushed >= position { return }
            if look == LogFlush.looks, !isReadOnly, try push() { return }
            if isStopped() { throw LogFlush.stopped }
            var pause = timespec(tv_sec: 0, tv_nsec: 5_000_000)
            nanosleep(&pause, nil)
        }
    }

    /// Returns when everything that could be read up to now is on disk, and the position that is after all of it. A standby
    /// shows nothing that is not.
    @discardableResult func waitForNow() throws -> LogPosition {
        let rows = try connection.query(
            """
            SELECT pg_is_in_recovery(),
                   CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END
            """)
        guard let position = rows[0, 1].flatMap({ LogPosition($0) }).map(WALPage.endOfLastRecord) else {
            throw RunError(.internal, operation: "read", object: "the source's position", message: "it gave none")
        }
        if rows[0, 0] == "f" { try wait(for: position) }
        return position
    }

    /// Commits and waits for this server's disk alone; false where the user may not.
    private func push() throws -> Bool {
        do {
            try connection.execute(
                """
                BEGIN READ WRITE; SET LOCAL synchronous_commit = local;
                SELECT pg_logical_emit_message(true, 'flowctl', 'flush'); COMMIT
                """)
            return true
        } catch let error as PostgresError where !error.isConnectionLost {
            try connection.execute("ROLLBACK")
            return false
        }
    }

    private static let stopped = RunError(
        .transient, operation: "wait for", object: "the source's log", message: "given up, as was asked for")
}

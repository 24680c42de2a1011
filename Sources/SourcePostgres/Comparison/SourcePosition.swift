import Connectors
import Postgres

/// Places in the source's log, as the open connection shows them.
struct SourcePosition {
    let connection: Connection
    let isStandby: Bool

    /// Behind everything that snapshots contain now.
    ///
    /// On a standby a transaction is seen a moment before the end of its commit record counts as replayed. While it streams, all
    /// that it can be replaying has been received. Where it reads an archive, the place is within the next record instead: the
    /// stream has passed it once that one has been replayed.
    func behindAllSeen() throws -> LogPosition {
        guard isStandby else {
            let rows = try connection.query("SELECT pg_current_wal_insert_lsn()")
            return WALPage.endOfLastRecord(rows[0, 0].flatMap { LogPosition($0) } ?? .zero)
        }
        let rows = try connection.query(
            """
            SELECT pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn(),
                   EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL)
            """)
        let replayed = WALPage.endOfLastRecord(rows[0, 0].flatMap { LogPosition($0) } ?? .zero)
        let received = WALPage.endOfLastRecord(rows[0, 1].flatMap { LogPosition($0) } ?? .zero)
        return rows[0, 2] == "t" && received >= replayed ? received : LogPosition(replayed.rawValue + 1)
    }
}

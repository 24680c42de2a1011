import Connectors
import Postgres

/// The capture's row in a table at its source that it changes behind each chunk (`advanced.watermarksTable`): the chunk enters the
/// destination only once the log has shown that change. Backfills are exact without one. It serves those who want to see in the
/// source's own log where chunks were read, and who want a chunk to wait for what was committed before it also where nothing
/// else is committed.
///
/// Never used by a capture that writes nothing to its source, nor for a chunk that the log itself waits for (a blocking signal).
struct Watermark: Sendable {
    /// `(slot text PRIMARY KEY, watermark text)`, published.
    let table: QualifiedName
    /// Several captures can share the table: each has the row of its slot.
    let slot: String

    /// Commits a new mark, outside of any transaction, and waits for this server's disk alone. The place in the log behind it.
    func raise(on connection: Connection) throws -> LogPosition {
        do {
            try connection.execute(
                """
                BEGIN READ WRITE; SET LOCAL synchronous_commit = local; SET LOCAL lock_timeout = '10s';
                INSERT INTO \(table) (slot, watermark) VALUES (\(literal: slot), gen_random_uuid()::text)
                ON CONFLICT (slot) DO UPDATE SET watermark = EXCLUDED.watermark; COMMIT
                """)
            let rows = try connection.query("SELECT pg_current_wal_insert_lsn()")
            return WALPage.endOfLastRecord(rows[0, 0].flatMap { LogPosition($0) } ?? .zero)
        } catch let error as PostgresError where !error.isConnectionLost {
            try connection.execute("ROLLBACK")
            let isPassing = Watermark.passing.contains(error.sqlState ?? "")
            throw RunError(
                isPassing ? .transient : .needsOperator, operation: "write to", object: "watermarks table \(table)",
                message: error.message, hint: isPassing ? nil : hint, sqlState: error.sqlState)
        }
    }

    /// lock_not_available, query_canceled, deadlock_detected.
    private static let passing: Set<String> = ["55P03", "57014", "40P01"]

    private var hint: String {
        "CREATE TABLE IF NOT EXISTS \(table) (\(SideTables.watermarkColumns)); GRANT SELECT, INSERT, UPDATE ON \(table) TO the "
            + "capture's user; or take advanced.watermarksTable out of its config"
    }
}

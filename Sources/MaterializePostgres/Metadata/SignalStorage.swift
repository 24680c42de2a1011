import Connectors
import JSON
import Postgres

/// What the destination keeps of a link's signals: a row for each, in `signals` of the metadata schema.
struct SignalStorage {
    let metadata: MetadataSchema
    let connection: Connection

    /// Ended signals that a status shows at most.
    private static let shownEnds = 20

    /// What a link begins with.
    func stored(_ link: LinkSpec) throws -> StoredSignals {
        guard try isThere() else { return StoredSignals() }
        let open = try records(
            link.materialization, link.capture, "state IN ('queued', 'running', 'paused') ORDER BY number")
        let taken = try connection.query(
            """
            SELECT place FROM \(metadata.signals) WHERE materialization = $1 AND capture = $2 AND place LIKE 'file/%'
            """, [link.materialization, link.capture])
        return StoredSignals(open: open, taken: Set((0..<taken.count).compactMap { taken[$0, 0] }))
    }

    /// What a status shows: none where an older version made the schema.
    func shown(_ materialization: String, _ capture: String) throws -> [SignalRecord] {
        guard try isThere() else { return [] }
        return try records(
            materialization, capture,
            """
            (state IN ('queued', 'running', 'paused') OR number >= (
              SELECT coalesce(min(l.number), 0) FROM (
                SELECT number FROM \(metadata.signals) WHERE materialization = $1 AND capture = $2
                   AND state NOT IN ('queued', 'running', 'paused')
                 ORDER BY number DESC LIMIT \(raw: String(SignalStorage.shownEnds))) l))
             ORDER BY number
            """)
    }

    /// Not where an older version made the schema, and no runner has opened a link since.
    private func isThere() throws -> Bool {
        try connection.query("SELECT to_regclass(\(literal: metadata.signals.quoted)) IS NOT NULL")[0, 0] == "t"
    }

    private func records(_ materialization: String, _ capture: String, _ condition: SQL) throws -> [SignalRecord] {
        let rows = try connection.query(
            """
            SELECT place, id, type, to_jsonb(tables), state, rows, error, details, position FROM \(metadata.signals)
             WHERE materialization = $1 AND capture = $2 AND \(condition)
            """, [materialization, capture])
        return (0..<rows.count).map { row in
            let tables = (try? JSONValue(parsing: rows[row, 3] ?? ""))?.arrayValue?.compactMap(\.stringValue)
            return SignalRecord(
                place: rows[row, 0] ?? "", id: rows[row, 1] ?? "", type: rows[row, 2] ?? "", tables: tables ?? [],
                state: rows[row, 4].flatMap { SignalRecord.State(rawValue: $0) } ?? .failed,
                rows: rows[row, 5].flatMap { Int64($0) }, error: rows[row, 6], details: rows[row, 7] ?? "",
                position: rows[row, 8].flatMap { LogPosition($0) } ?? .zero)
        }
    }
}

extension LinkStatements {
    /// Forgets what ended long ago, but for the newest of them. Lines of a file stay: the file is read again at each start, and its
    /// lines are known by their records. (What came by a table is never seen again: the checkpoint has passed it.)
    var forgettingSignals: Statement {
        Statement(
            sql: """
                DELETE FROM \(metadata.signals) AS s
                 WHERE s.materialization = $1 AND s.capture = $2 AND s.state NOT IN ('queued', 'running', 'paused')
                   AND s.place NOT LIKE 'file/%'
                   AND s.number < (SELECT k.number FROM \(metadata.signals) AS k
                                    WHERE k.materialization = $1 AND k.capture = $2
                                    ORDER BY k.number DESC OFFSET \(LinkStatements.keptSignals - 1) LIMIT 1)
                """, parameters: [link.materialization, link.capture])
    }

    /// The newest signals of a link that are kept in any case.
    private static let keptSignals = 1000

    /// Writes a signal's record.
    func signal(_ record: SignalRecord) -> Statement {
        Statement(
            sql: """
                INSERT INTO \(metadata.signals) AS s
                  (materialization, capture, place, id, type, tables, state, rows, error, details, position)
                VALUES ($1, $2, $3, $4, $5, $6::text[], $7, $8::bigint, $9, $10, $11::pg_lsn)
                ON CONFLICT (materialization, capture, place) DO UPDATE
                  SET tables = EXCLUDED.tables, state = EXCLUDED.state, rows = EXCLUDED.rows, error = EXCLUDED.error,
                      details = EXCLUDED.details, updated_at = now()
                """,
            parameters: [
                link.materialization, link.capture, record.place, record.id, record.type, ArrayText.of(record.tables),
                record.state.rawValue, record.rows.map { String($0) }, record.error, record.details,
                record.position.description,
            ])
    }
}

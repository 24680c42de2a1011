import Connectors
import Postgres

/// The statements that keep a link's record, with their parameters filled in. Each fails, or touches no row, where the
/// link's fence is no longer ours.
struct LinkStatements: Sendable {
    let metadata: MetadataSchema
    let link: LinkSpec
    var fence: Int64

    /// A statement and its parameters.
    struct Statement {
        var sql: SQL
        var parameters: [String?]
    }

    private var mine: SQL { "materialization = $1 AND capture = $2 AND fence = $3" }
    private var identity: [String?] { [link.materialization, link.capture, String(fence)] }

    /// Moves the checkpoint. Divides by the rows touched, so that the transaction fails where the fence is another's.
    /// Without a capture state or a time the recorded one stays. What the link stumbled over is got past.
    func checkpoint(_ position: LogPosition, captureState: String?, time: Int64?) -> Statement {
        var parameters = identity + [position.description, time.map { String($0) }]
        var assignments: SQL = """
            position = $4::pg_lsn, updated_at = now(), error = NULL, error_class = NULL,
            source_time = coalesce('2000-01-01 00:00:00+00'::timestamptz + $5::bigint * interval '1 us', source_time)
            """
        if let captureState {
            assignments = "\(assignments), capture_state = $6"
            parameters.append(captureState)
        }
        return Statement(
            sql: """
                WITH touched AS (UPDATE \(metadata.checkpoints) SET \(assignments) WHERE \(mine) RETURNING 1)
                SELECT 1 / count(*) FROM touched
                """, parameters: parameters)
    }

    /// Takes the errors of the link's tables away.
    var clearErrors: Statement {
        Statement(
            sql: """
                UPDATE \(metadata.bindings) SET error = NULL
                 WHERE materialization = $1 AND capture = $2 AND error IS NOT NULL AND phase <> 'disabled'
                """, parameters: [link.materialization, link.capture])
    }

    /// Marks the tables that the link has records of and goes on without.
    var detachOthers: Statement {
        Statement(
            sql: """
                UPDATE \(metadata.bindings) SET phase = 'detached', updated_at = now()
                 WHERE materialization = $1 AND capture = $2 AND phase NOT IN ('pending', 'detached', 'disabled')
                   AND NOT EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS a (s, t)
                                    WHERE s = destination_schema AND t = destination_table)
                """,
            parameters: [
                link.materialization, link.capture, ArrayText.of(link.bindings.map(\.schema)),
                ArrayText.of(link.bindings.map(\.name)),
            ])
    }

    /// Whether the fence is ours.
    var confirmFence: Statement {
        Statement(sql: "SELECT count(*) FROM \(metadata.checkpoints) WHERE \(mine)", parameters: identity)
    }

    /// Fails where the fence is another's, and keeps others from taking it until the transaction ends.
    var holdFence: Statement {
        Statement(
            sql: """
                WITH held AS (SELECT 1 FROM \(metadata.checkpoints) WHERE \(mine) FOR SHARE)
                SELECT 1 / count(*) FROM held
                """, parameters: identity)
    }

    /// Writes a binding's state; fails where it has no record.
    func state(_ state: BindingCheckpoint, of binding: LinkBinding) -> Statement {
        Statement(
            sql: """
                WITH touched AS (
                  UPDATE \(metadata.bindings)
                     SET phase = $5, backfill = $6, backfill_counter = $7::int, rows = $8::bigint, bytes = $9::bigint,
                         estimated_rows = $10::bigint, rebuild_counter = $11::int, updated_at = now()
                   WHERE materialization = $1 AND capture = $2 AND destination_schema = $3 AND destination_table = $4
                  RETURNING 1)
                SELECT 1 / count(*) FROM touched
                """,
            parameters: [link.materialization, link.capture, binding.schema, binding.name] + values(of: state))
    }

    /// Notes how far tables are whose rows a writer stores; fails where one has no record.
    func place(_ checkpoint: LinkCheckpoint, of bindings: [LinkBinding]) -> Statement {
        Statement(
            sql: """
                WITH touched AS (
                  UPDATE \(metadata.bindings) SET position = $3::pg_lsn, capture_state = $4, updated_at = now()
                   WHERE materialization = $1 AND capture = $2
                     AND EXISTS (SELECT FROM unnest($5::text[], $6::text[]) AS a (s, t)
                                  WHERE s = destination_schema AND t = destination_table)
                  RETURNING 1)
                SELECT 1 / (count(*) = cardinality($5::text[]))::int FROM touched
                """,
            parameters: [
                link.materialization, link.capture, checkpoint.position.description, checkpoint.captureState,
                ArrayText.of(bindings.map(\.schema)), ArrayText.of(bindings.map(\.name)),
            ])
    }

    /// Writes the shape that a binding's table is prepared for now.
    func shape(_ record: String, of binding: LinkBinding) -> Statement {
        Statement(
            sql: """
                UPDATE \(metadata.bindings) SET shape = $5::jsonb, updated_at = now()
                 WHERE materialization = $1 AND capture = $2 AND destination_schema = $3 AND destination_table = $4
                """,
            parameters: [link.materialization, link.capture, binding.schema, binding.name, record])
    }

    /// Records a binding, or renews its record. `isNew`: nothing of what was known of the table holds any more.
    func record(
        _ binding: LinkBinding, source: TableShape, state: BindingCheckpoint, shape: String, isNew: Bool
    ) -> Statement {
        Statement(
            sql: """
                INSERT INTO \(metadata.bindings) AS b
                  (materialization, capture, destination_schema, destination_table, phase, backfill, backfill_counter,
                   rows, bytes, estimated_rows, rebuild_counter, collection, source_schema, source_table, shape)
                VALUES ($1, $2, $3, $4, $5, $6, $7::int, $8::bigint, $9::bigint, $10::bigint, $11::int, $12, $13, $14,
                        $15::jsonb)
                ON CONFLICT (materialization, capture, destination_schema, destination_table) DO UPDATE
                  SET phase = EXCLUDED.phase, backfill = EXCLUDED.backfill, backfill_counter = EXCLUDED.backfill_counter,
                      rebuild_counter = EXCLUDED.rebuild_counter, rows = EXCLUDED.rows, bytes = EXCLUDED.bytes, estimated_rows = EXCLUDED.estimated_rows,
                      collection = EXCLUDED.collection, source_schema = EXCLUDED.source_schema,
                      source_table = EXCLUDED.source_table, shape = EXCLUDED.shape, updated_at = now(),
                      position = CASE WHEN $16::boolean THEN NULL ELSE b.position END,
                      capture_state = CASE WHEN $16::boolean THEN NULL ELSE b.capture_state END
                """,
            parameters: [link.materialization, link.capture, binding.schema, binding.name] + values(of: state)
                + [binding.collection, source.namespace, source.name, shape, isNew ? "true" : "false"])
    }

    private func values(of state: BindingCheckpoint) -> [String?] {
        [
            state.phase.rawValue, state.backfill, String(state.backfillCounter), String(state.rows),
            String(state.bytes), state.estimatedRows.map { String($0) }, state.rebuildCounter.map { String($0) },
        ]
    }
}

extension LinkStatements {
    /// Run by an operator: rows that are not read again, that others wrote, or that are taken over anyway, stay.
    var beginningAnew: String {
        let mine =
            "WHERE materialization = \(SQL.literal(link.materialization)) AND capture = \(SQL.literal(link.capture))"
        let tables = link.bindings.filter { !$0.skipsBackfill && !$0.isShared && !$0.adopts }
            .map { QualifiedName($0.schema, $0.name).quoted }
        let empty = tables.isEmpty ? "" : " TRUNCATE \(tables.joined(separator: ", "));"
        return "DELETE FROM \(metadata.checkpoints) \(mine); DELETE FROM \(metadata.bindings) \(mine);" + empty
    }
}

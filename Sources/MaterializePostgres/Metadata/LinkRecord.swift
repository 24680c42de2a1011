import Connectors
import Postgres

/// What the destination keeps of one link, read as the link is opened.
struct LinkRecord {
    /// What the link's fence is now: ours.
    var fence: Int64
    var checkpoint: LinkCheckpoint?
    var bindings: [BindingRecord]
}

/// What the destination keeps of one binding.
struct BindingRecord {
    var collection: String
    var schema: String
    var table: String
    var sourceSchema: String
    var sourceTable: String
    var state: BindingCheckpoint
    var shape: String
    var error: String?
    /// Where one of several writers left the table; nil where none did.
    var place: LinkCheckpoint?
}

extension LinkRecord {
    /// Bumps the fence and reads the checkpoint, in one statement; then the bindings. Nil where the destination has no
    /// record of the link. Throws `fenced` where another runner has taken the link since this one did (`HeldFences`).
    static func takeOver(
        _ link: LinkSpec, _ metadata: MetadataSchema, _ connection: Connection, _ fences: HeldFences = HeldFences()
    ) throws -> LinkRecord? {
        let taken: Rows?
        do {
            taken = try fences.raise(link, metadata, connection)
            try connection.execute("COMMIT")
        } catch {
            try? connection.execute("ROLLBACK")
            throw error
        }
        guard let rows = taken else { return nil }
        fences.committed(link)
        return try LinkRecord(rows, of: link, metadata, connection)
    }

    /// Reads what is kept of a link, and takes nothing over; nil where that is nothing.
    static func read(_ link: LinkSpec, _ metadata: MetadataSchema, _ connection: Connection) throws -> LinkRecord? {
        let rows = try connection.query(
            """
            SELECT fence, position, capture_state FROM \(metadata.checkpoints)
             WHERE materialization = $1 AND capture = $2
            """, [link.materialization, link.capture])
        guard rows.count > 0 else { return nil }
        return try LinkRecord(rows, of: link, metadata, connection)
    }

    /// From a link's fence, position and capture state.
    private init(
        _ rows: Rows, of link: LinkSpec, _ metadata: MetadataSchema, _ connection: Connection
    ) throws {
        fence = rows[0, 0].flatMap { Int64($0) } ?? 0
        if let position = rows[0, 1].flatMap({ LogPosition($0) }) {
            checkpoint = LinkCheckpoint(position: position, captureState: rows[0, 2] ?? "")
        }
        bindings = try BindingRecord.read(link.materialization, link.capture, metadata, connection)
    }

    /// Records a link that the destination did not know as it was opened, in the open transaction; the fence is 1. False
    /// where another runner has recorded it since.
    static func begin(_ link: LinkSpec, _ metadata: MetadataSchema, _ connection: Connection) throws -> Bool {
        try connection.query(
            """
            INSERT INTO \(metadata.checkpoints) (materialization, capture, fence) VALUES ($1, $2, 1)
            ON CONFLICT (materialization, capture) DO NOTHING RETURNING fence
            """, [link.materialization, link.capture]
        ).count == 1
    }
}

extension BindingRecord {
    /// Whether it is of this binding: of the same table, for the same collection.
    func isOf(_ binding: LinkBinding) -> Bool {
        schema.isSameName(as: binding.schema) && table.isSameName(as: binding.name)
            && collection.isSameName(as: binding.collection)
    }

    /// All of a link, by destination.
    static func read(
        _ materialization: String, _ capture: String, _ metadata: MetadataSchema, _ connection: Connection
    ) throws -> [BindingRecord] {
        let rows = try connection.query(
            """
            SELECT collection, destination_schema, destination_table, source_schema, source_table, phase, backfill,
                   backfill_counter, rows, bytes, estimated_rows, shape, error,
                   to_jsonb(b) ->> 'rebuild_counter', to_jsonb(b) ->> 'position', to_jsonb(b) ->> 'capture_state'
              FROM \(metadata.bindings) b WHERE materialization = $1 AND capture = $2
             ORDER BY destination_schema, destination_table
            """, [materialization, capture])
        return (0..<rows.count).map { row in
            func number(_ column: Int) -> Int64? { rows[row, column].flatMap { Int64($0) } }
            let state = BindingCheckpoint(
                phase: rows[row, 5].flatMap { BindingCheckpoint.Phase(rawValue: $0) } ?? .pending,
                backfill: rows[row, 6] ?? "", backfillCounter: Int(number(7) ?? 0),
                rebuildCounter: number(13).map { Int($0) }, rows: number(8) ?? 0, bytes: number(9) ?? 0,
                estimatedRows: number(10))
            return BindingRecord(
                collection: rows[row, 0] ?? "", schema: rows[row, 1] ?? "", table: rows[row, 2] ?? "",
                sourceSchema: rows[row, 3] ?? "", sourceTable: rows[row, 4] ?? "", state: state,
                shape: rows[row, 11] ?? "", error: rows[row, 12],
                place: rows[row, 14].flatMap { LogPosition($0) }.map {
                    LinkCheckpoint(position: $0, captureState: rows[row, 15] ?? "")
                })
        }
    }
}

import Connectors
import Postgres

extension StoredLink {
    /// What is kept of a materialization's links, by capture. Also reads what an older version has made, which has fewer
    /// columns.
    static func read(
        _ materialization: String, _ metadata: MetadataSchema, _ connection: Connection
    ) throws -> [StoredLink] {
        let rows = try connection.query(
            """
            SELECT capture, fence, position, trunc(extract(epoch FROM
                     (to_jsonb(c) ->> 'source_time')::timestamptz - '2000-01-01 00:00:00+00') * 1000000)::bigint,
                   to_jsonb(c) ->> 'error', to_jsonb(c) ->> 'error_class', capture_state
              FROM \(metadata.checkpoints) c WHERE materialization = $1 ORDER BY capture
            """, [materialization])
        return try (0..<rows.count).map { row in
            let capture = rows[row, 0] ?? ""
            let failure = rows[row, 4].map {
                Failure(message: $0, isTransient: rows[row, 5] == RunError.Class.transient.rawValue)
            }
            let records = try BindingRecord.read(materialization, capture, metadata, connection)
            let parks = try ParkRecord.read(materialization, capture, metadata, connection)
            var link = StoredLink(
                capture: capture, fence: rows[row, 1].flatMap { Int64($0) } ?? 0,
                position: rows[row, 2].flatMap { LogPosition($0) }, time: rows[row, 3].flatMap { Int64($0) },
                failure: failure, tables: records.map { Table($0, parks, isFailed: failure != nil) })
            link.captureState = rows[row, 6]
            link.signals = try SignalStorage(metadata: metadata, connection: connection).shown(materialization, capture)
            return link
        }
    }
}

extension StoredLink.Table {
    /// A table's own error counts as long as its link has one, which the next commit takes away, or goes on without it.
    fileprivate init(_ record: BindingRecord, _ parks: [ParkRecord], isFailed: Bool) {
        self.init(
            collection: record.collection, schema: record.schema, name: record.table,
            sourceSchema: record.sourceSchema, sourceTable: record.sourceTable, state: record.state,
            error: isFailed || record.state.phase == .disabled ? record.error : nil,
            park: parks.first { $0.schema.isSameName(as: record.schema) && $0.table.isSameName(as: record.table) }?
                .standing)
    }
}

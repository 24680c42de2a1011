import Connectors
import Postgres

/// What a destination keeps of one link, for `flowctl status`.
public struct DestinationStatus: Sendable {
    /// One binding's table.
    public struct Table: Sendable {
        public var collection: String
        public var schema: String
        public var name: String
        public var sourceSchema: String
        public var sourceTable: String
        public var state: BindingCheckpoint
        /// What stopped it last; nil while all is well.
        public var error: String?
        /// As Postgres writes a timestamptz in UTC.
        public var updatedAt: String
    }

    public var materialization: String
    public var capture: String
    public var fence: Int64
    /// Nil before the first commit.
    public var position: LogPosition?
    /// As Postgres writes a timestamptz in UTC.
    public var updatedAt: String
    public var tables: [Table]

    static func read(
        _ materialization: String, _ metadata: MetadataSchema, _ connection: Connection
    ) throws -> [DestinationStatus] {
        let rows = try connection.query(
            """
            SELECT capture, fence, position, updated_at FROM \(metadata.checkpoints)
             WHERE materialization = $1 ORDER BY capture
            """, [materialization])
        return try (0..<rows.count).map { row in
            let capture = rows[row, 0] ?? ""
            let records = try BindingRecord.read(materialization, capture, metadata, connection)
            return DestinationStatus(
                materialization: materialization, capture: capture, fence: rows[row, 1].flatMap { Int64($0) } ?? 0,
                position: rows[row, 2].flatMap { LogPosition($0) }, updatedAt: rows[row, 3] ?? "",
                tables: records.map { record in
                    Table(
                        collection: record.collection, schema: record.schema, name: record.table,
                        sourceSchema: record.sourceSchema, sourceTable: record.sourceTable, state: record.state,
                        error: record.error, updatedAt: record.updatedAt ?? "")
                })
        }
    }
}

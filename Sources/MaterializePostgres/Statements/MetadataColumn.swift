import Connectors

/// Columns that describe a row's change instead of holding a value of the source's.
enum MetadataColumn: String, CaseIterable {
    case operation = "_meta/op"
    case position = "_meta/source/lsn"
    case sequence = "_meta/source/seq"
    case time = "_meta/source/ts_ms"
    case transaction = "_meta/source/txid"
    case unchanged = "_meta/unchanged"
    case publishedAt = "flow_published_at"

    /// What every delta table has, in the order that rows are written in.
    static let ofDelta: [MetadataColumn] = [.operation, .position, .sequence, .time, .transaction, .unchanged]

    var name: String { rawValue }

    /// The column's definition in a table. In an upsert table a row that names no `_meta/op` was read by a backfill.
    func definition(in mode: InsertMode) -> String {
        switch self {
        case .operation: mode == .upsert ? "text NOT NULL DEFAULT 'r'" : "text NOT NULL"
        case .position: "pg_lsn NOT NULL"
        case .sequence: "bigint NOT NULL"
        case .time, .transaction: "bigint"
        case .unchanged: "text[]"
        case .publishedAt: "timestamptz NOT NULL DEFAULT now()"
        }
    }

    /// The type as `format_type` writes it.
    var type: String {
        switch self {
        case .operation: "text"
        case .position: "pg_lsn"
        case .sequence, .time, .transaction: "bigint"
        case .unchanged: "text[]"
        case .publishedAt: "timestamp with time zone"
        }
    }

    /// The type's OID (pg_type.dat).
    var typeOID: UInt32 {
        switch self {
        case .operation: 25
        case .position: 3220
        case .sequence, .time, .transaction: 20
        case .unchanged: 1009
        case .publishedAt: 1184
        }
    }
}

extension LinkBinding {
    /// Whether a row's last operation is kept in a column of an upsert table.
    var keepsOperation: Bool {
        mode == .upsert && (deletes == .soft || requiredFields.contains(MetadataColumn.operation.name))
    }

    var keepsPublishingTime: Bool { requiredFields.contains(MetadataColumn.publishedAt.name) }

    /// The metadata columns of the binding's table.
    var metadataColumns: [MetadataColumn] {
        var columns = mode == .insert ? MetadataColumn.ofDelta : keepsOperation ? [.operation] : []
        if keepsPublishingTime { columns.append(.publishedAt) }
        return columns
    }
}

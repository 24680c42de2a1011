import JSON
import Postgres

/// Tables at the source that a capture's config asks for beside the captured ones.
public struct SideTables: Sendable {
    /// One of them.
    public struct Table: Sendable {
        public var name: QualifiedName
        /// As messages name it: `watermarks table`.
        public var kind: String
        /// What stands between the parentheses of its CREATE TABLE.
        public var columns: String
        /// What the capture's user needs on it.
        public var privileges: [String]
        /// Whether its changes must be in the stream.
        public var isPublished: Bool
    }

    public var tables: [Table]

    static let watermarksKind = "watermarks table"
    static let watermarkColumns = "slot text PRIMARY KEY, watermark text"
    static let signalKind = "signal table"
    static let heartbeatKind = "heartbeat table"

    public init() {
        tables = []
    }

    /// From `advanced` of an endpoint config.
    public init(_ advanced: JSONValue?) {
        tables = []
        if let name = SideTables.name(advanced?["watermarksTable"]?.stringValue) {
            tables.append(
                Table(
                    name: name, kind: SideTables.watermarksKind, columns: SideTables.watermarkColumns,
                    privileges: ["SELECT", "INSERT", "UPDATE"], isPublished: true))
        }
        if let text = advanced?["signalTable"]?.stringValue {
            tables.append(
                Table(
                    name: SideTables.name(text) ?? QualifiedName(text, "streamkap_signal"), kind: SideTables.signalKind,
                    columns: "id varchar(255) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2000)",
                    privileges: ["SELECT", "INSERT"], isPublished: true))
        }
        if let heartbeat = advanced?["heartbeat"], heartbeat["mode"]?.stringValue ?? "table" == "table" {
            tables.append(
                Table(
                    name: QualifiedName(heartbeat["schema"]?.stringValue ?? "public", "streamkap_heartbeat"),
                    kind: SideTables.heartbeatKind,
                    columns: "id int PRIMARY KEY, text varchar, last_update timestamptz",
                    privileges: ["SELECT", "INSERT", "UPDATE"], isPublished: true))
        }
    }

    /// The table whose rows steer snapshots; nil for none.
    public var signalTable: Table? { tables.first { $0.kind == SideTables.signalKind } }

    /// The table whose rows are raised behind chunks; nil for none.
    var watermarksTable: Table? { tables.first { $0.kind == SideTables.watermarksKind } }

    /// `schema.table`; nil for a text without a dot.
    private static func name(_ text: String?) -> QualifiedName? {
        guard let text, let dot = text.firstIndex(of: ".") else { return nil }
        return QualifiedName(String(text[..<dot]), String(text[text.index(after: dot)...]))
    }
}

extension SideTables.Table {
    /// Whether a signal table that is there lacks `id`, `type` and `data` as its first columns: signals are read by their places.
    func hasOtherSignalColumns(_ connection: Connection) throws -> Bool {
        let rows = try connection.query(
            """
            SELECT a.attname FROM pg_attribute a
             WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LIMIT 3
            """, [name.quoted])
        return !(0..<rows.count).compactMap { rows[$0, 0] }.areSameNames(as: ["id", "type", "data"])
    }

    /// Makes it where it is absent.
    public var create: String { "CREATE TABLE IF NOT EXISTS \(name) (\(columns));" }
}

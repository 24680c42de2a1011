import Connectors
import Postgres

/// The statements that keep what is parked of a link.
///
/// Invariant: whoever parks, drains, or begins a link that has parks first locks all rows of `parks` that the link has, in
/// their order. So nothing is parked while somebody drains, and what is drained is all that was parked.
struct ParkStatements {
    let metadata: MetadataSchema
    let link: LinkSpec

    private var identity: [String?] { [link.materialization, link.capture] }
    private var mine: SQL { "materialization = $1 AND capture = $2" }

    /// Columns of `read`.
    enum Column {
        static let park = 0
        static let schema = 1
        static let table = 2
        static let shape = 3
    }

    /// Reads and locks the link's parks.
    func locked(_ connection: Connection) throws -> Rows {
        try connection.query(
            """
            SELECT park, destination_schema, destination_table, shape FROM \(metadata.parks) WHERE \(mine)
             ORDER BY destination_schema, destination_table FOR UPDATE
            """, identity)
    }

    /// Locks the link's parks; divides by zero where they are others than `count`.
    func lock(count: Int) -> LinkStatements.Statement {
        LinkStatements.Statement(
            sql: """
                SELECT 1 / (count(*) = $3::bigint)::int
                  FROM (SELECT 1 FROM \(metadata.parks) WHERE \(mine)
                         ORDER BY destination_schema, destination_table FOR UPDATE) AS p
                """, parameters: identity + [String(count)])
    }

    /// Parks a binding's table; no row where it is parked already, or not all there.
    func begin(_ binding: LinkBinding, because error: String, _ connection: Connection) throws -> Bool {
        try connection.query(
            """
            INSERT INTO \(metadata.parks) (materialization, capture, destination_schema, destination_table, error)
            SELECT materialization, capture, destination_schema, destination_table, $5 FROM \(metadata.bindings)
             WHERE \(mine) AND destination_schema = $3 AND destination_table = $4 AND phase = 'streaming'
            ON CONFLICT DO NOTHING RETURNING 1
            """, identity + [binding.schema, binding.name, error]
        ).count == 1
    }

    /// Forgets what is parked of a binding's table.
    func drop(_ binding: LinkBinding, _ connection: Connection) throws {
        _ = try connection.query(
            """
            WITH gone AS (
              DELETE FROM \(metadata.parks)
               WHERE \(mine) AND destination_schema = $3 AND destination_table = $4 RETURNING park)
            DELETE FROM \(metadata.parkedChanges) WHERE park IN (SELECT park FROM gone)
            """, identity + [binding.schema, binding.name])
    }

    /// Keeps one piece; its parameters are park, kind, whether it is the last of its set, changes, bytes and payload.
    var append: RowStatements.Prepared {
        RowStatements.Prepared(
            sql: """
                INSERT INTO \(metadata.parkedChanges) (park, transaction, kind, is_last, changes, bytes, payload)
                VALUES ($1::bigint, txid_current(), $2::text, $3::boolean, $4::bigint, $5::bigint, $6::bytea)
                """, types: [])
    }

    /// Adds to what a park holds.
    func count(_ park: Int64, changes: Int, bytes: Int) -> LinkStatements.Statement {
        LinkStatements.Statement(
            sql: """
                UPDATE \(metadata.parks) SET changes = changes + $2::bigint, bytes = bytes + $3::bigint
                 WHERE park = $1::bigint
                """, parameters: [String(park), String(changes), String(bytes)])
    }

    /// Keeps why a park could not be drained.
    func note(_ error: String, of binding: LinkBinding, _ connection: Connection) throws {
        _ = try connection.query(
            """
            UPDATE \(metadata.parks) SET error = $5
             WHERE \(mine) AND destination_schema = $3 AND destination_table = $4
            """, identity + [binding.schema, binding.name, error])
    }
}

/// What waits beside one destination table.
struct ParkRecord {
    var schema: String
    var table: String
    var standing: ParkedTable

    /// All of a link. Nothing where an older version made the metadata.
    static func read(
        _ materialization: String, _ capture: String, _ metadata: MetadataSchema, _ connection: Connection
    ) throws -> [ParkRecord] {
        let isThere = try connection.query("SELECT to_regclass(\(literal: metadata.parks.quoted)) IS NOT NULL")
        guard isThere[0, 0] == "t" else { return [] }
        let rows = try connection.query(
            """
            SELECT destination_schema, destination_table,
                   to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), error, changes, bytes
              FROM \(metadata.parks) WHERE materialization = $1 AND capture = $2
            """, [materialization, capture])
        return (0..<rows.count).map { row in
            ParkRecord(
                schema: rows[row, 0] ?? "", table: rows[row, 1] ?? "",
                standing: ParkedTable(
                    since: rows[row, 2] ?? "", error: rows[row, 3] ?? "",
                    changes: rows[row, 4].flatMap { Int64($0) } ?? 0, bytes: rows[row, 5].flatMap { Int64($0) } ?? 0))
        }
    }
}

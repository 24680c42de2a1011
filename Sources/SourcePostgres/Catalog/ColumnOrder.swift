import Connectors
import Postgres

/// Finds the column by whose values a table without a key is read in chunks.
///
/// Invariant: a row is in exactly one range of the column's values, whatever its place on the disk, and each of the log's
/// changes says in which (a table without a key has full replica identity, or it would not be published). So the rules that hold
/// for keys hold for it, row by row of equal ones too. Places on the disk (ctid) would not do: an update gives a row another
/// one, which may have been read already or not yet, and the log doesn't say which.
struct ColumnOrder {
    let connection: Connection

    /// Types whose values, read back from their text, are the same to the type's order: int8, int2, int4, numeric, float4, float8,
    /// date, timestamp, timestamptz, time, uuid, text, varchar, "char", name, oid (pg_type.dat).
    private static let types = "20,21,23,1700,700,701,1082,1114,1184,1083,2950,25,1043,18,19,26"

    /// Most scans that a table without an index for the order is read with.
    private static let mostScans: Int64 = 16

    /// The best column; nil where none has an order: the table is read in one piece.
    func find(_ table: TableSource, _ shape: TableShape) throws -> KeyOrder? {
        let rows = try connection.query(
            """
            SELECT a.attname FROM pg_attribute a
              JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                                  AND s.inherited = (c.relkind = 'p')
             WHERE a.attrelid = \(literal: String(table.oid))::oid AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attgenerated = '' AND a.atttypid = ANY (ARRAY[\(raw: ColumnOrder.types)]::oid[])
             ORDER BY EXISTS (\(raw: ColumnOrder.index)) DESC,
                      CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * greatest(c.reltuples, 1000000) ELSE s.n_distinct END
                        DESC NULLS LAST,
                      a.attnotnull DESC, a.attlen > 0 DESC, a.attnum LIMIT 1
            """)
        guard rows.count == 1, let name = rows[0, 0] else { return nil }
        return try order(table, by: [name], shape)
    }

    /// The order that reading was begun in; nil where its columns are not there any more.
    func order(_ table: TableSource, by names: [String], _ shape: TableShape) throws -> KeyOrder? {
        let isWhole = names.allSatisfy { name in
            shape.columns.contains { $0.name.isSameName(as: name) && $0.isIdentity }
        }
        guard !names.isEmpty, isWhole else { return nil }
        var order = try TableCatalog(connection: connection).order(of: table, by: names, shape: shape)
        let rows = try connection.query(
            """
            SELECT EXISTS (\(raw: ColumnOrder.index)) FROM pg_attribute a
             WHERE a.attrelid = \(literal: String(table.oid))::oid AND a.attname = \(literal: names[0]) AND a.attnum > 0
            """)
        order.isByColumn = true
        order.isIndexed = rows.count == 1 && rows[0, 0] == "t"
        if !order.isIndexed { order.leastRows = try leastRows(of: table) }
        return order
    }

    /// Whether a btree index of all rows has column `a` first, in the column's own order.
    private static let index = """
        SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
          JOIN pg_opclass o ON o.oid = i.indclass[0] AND o.opcdefault
         WHERE i.indrelid = a.attrelid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum
           AND i.indcollation[0] = a.attcollation
        """

    /// A small table is scanned as often as its chunks ask for.
    private func leastRows(of table: TableSource) throws -> Int {
        let catalog = TableCatalog(connection: connection)
        let bytes = catalog.bytes(of: [table]).first.flatMap { $0 } ?? Int64.max / 2
        guard bytes > 8 << 20 else { return 0 }
        let rows = max(table.estimatedRows ?? 0, bytes >> 9)
        return Int(min(rows / ColumnOrder.mostScans, 1 << 40))
    }
}

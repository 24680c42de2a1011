import Connectors
import Postgres

/// Replica identities with generated columns, which the log of PostgreSQL 18 and later may not be asked for: once such a table is
/// published, the application's own updates and deletes fail ("cannot update table", SQLSTATE 42P10; earlier versions let them
/// pass). Nothing is published before that is ruled out.
struct GeneratedIdentity {
    /// The first such table or partition.
    let table: QualifiedName
    /// Its generated columns in the identity.
    let columns: String

    /// Looks at these tables, their partitions included; nil where none is so.
    static func find(_ tables: [TableSource], _ connection: Connection) throws -> GeneratedIdentity? {
        guard connection.serverVersion >= 180_000, !tables.isEmpty else { return nil }
        let oids = tables.map { String($0.oid) }.joined(separator: ",")
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
              FROM unnest('{\(raw: oids)}'::oid[]) AS root(oid)
              CROSS JOIN LATERAL
                   (SELECT root.oid UNION SELECT relid FROM \(raw: PartitionTree.sql(of: "root.oid")) t WHERE isleaf) AS part(oid)
              JOIN pg_class c ON c.oid = part.oid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                AND NOT \(LoggedColumns.condition(tables.first?.publisher))
             WHERE c.relreplident = 'f'
                OR EXISTS (SELECT FROM pg_index i
                            WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
                              AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END)
             GROUP BY c.oid, n.nspname, c.relname ORDER BY c.oid LIMIT 1
            """)
        guard rows.count > 0 else { return nil }
        return GeneratedIdentity(
            table: QualifiedName(rows[0, 0] ?? "", rows[0, 1] ?? ""), columns: rows[0, 2] ?? "")
    }

    var reason: String {
        "its replica identity has generated columns (\(columns)), which PostgreSQL 18 does not log: once published, its updates "
            + "and deletes would fail"
    }

    var remedy: String {
        "ALTER TABLE \(table) REPLICA IDENTITY DEFAULT; (with a primary key of ordinary columns), or USING INDEX with a unique "
            + "index of such"
    }
}

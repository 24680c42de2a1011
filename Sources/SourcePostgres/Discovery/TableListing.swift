import Connectors
import Postgres

/// Reads every relation that a catalog could name, with columns and indexes: four statements for the whole database.
struct TableListing {
    let connection: Connection
    /// Partitions are listed in the place of the tables that they are partitions of.
    var listsPartitions = false

    /// In the order of schemas and names, byte by byte. Partitions are part of their root, unless they are listed; what belongs to
    /// the server, to its platform or to pipelines is left out.
    func read(_ selection: TableSelection, publication: String?) throws -> [FoundTable] {
        let platform = try Set(SystemSchemas.present(connection)).filter { !selection.names(schema: $0) }
        let published = try publication.flatMap { try publishedTables($0) }
        var tables = try relations().filter { table in
            let schema = table.name.schema.name
            guard !platform.contains(schema), published?.contains(table.name) ?? true else { return false }
            return selection.wants(schema: schema, table: table.name.name.name)
        }
        guard !tables.isEmpty else { return [] }
        let oids = ArrayText.of(tables.map(\.oid))
        var places: [UInt32: Int] = [:]
        for (place, table) in tables.enumerated() { places[table.oid] = place }
        for (oid, column) in try columns(oids) {
            if let place = places[oid] { tables[place].columns.append(column) }
        }
        for (oid, index) in try indexes(oids) {
            if let place = places[oid] { tables[place].indexes.append(index) }
        }
        return tables
    }

    private func relations() throws -> [FoundTable] {
        let ofPartitions: SQL = listsPartitions ? "c.relkind <> 'p'" : "NOT c.relispartition"
        let rows = try connection.query(
            """
            SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence = 'u', c.relreplident,
                   obj_description(c.oid, 'pg_class'),
                   (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                     WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' LIMIT 1),
                   has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND \(ofPartitions) AND c.relpersistence <> 't'
               AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
               AND obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM
                   'What flowctl keeps at this destination: how far each link is.'
               AND c.relname NOT IN ('flow_watermarks', 'flow_checkpoints_v1', 'flow_materializations_v2',
                                     'streamkap_signal', 'streamkap_heartbeat')
               AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'flow_published_at'
                                  AND NOT a.attisdropped)
             ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
            """)
        return (0..<rows.count).map { row in
            FoundTable(
                oid: rows[row, 0].flatMap { UInt32($0) } ?? 0,
                name: QualifiedName(rows[row, 1] ?? "", rows[row, 2] ?? ""), kind: rows[row, 3]?.first ?? "r",
                isUnlogged: rows[row, 4] == "t", replicaIdentity: rows[row, 5]?.first ?? "d", comment: rows[row, 6],
                owningExtension: rows[row, 7], isReadable: rows[row, 8] == "t")
        }
    }

    private func columns(_ oids: String) throws -> [(UInt32, FoundTable.Column)] {
        let rows = try connection.query(
            """
            SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, \(raw: TableCatalog.isNeverNull),
                   coalesce(to_jsonb(a) ->> 'attgenerated', '') <> '', format_type(a.atttypid, a.atttypmod),
                   col_description(a.attrelid, a.attnum)
              FROM pg_attribute a
             WHERE a.attrelid = ANY (\(literal: oids)::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
             ORDER BY a.attrelid, a.attnum
            """)
        return (0..<rows.count).map { row in
            (
                rows[row, 0].flatMap { UInt32($0) } ?? 0,
                FoundTable.Column(
                    number: rows[row, 1].flatMap { Int($0) } ?? 0, name: rows[row, 2] ?? "",
                    typeOID: rows[row, 3].flatMap { UInt32($0) } ?? 0,
                    typeModifier: rows[row, 4].flatMap { Int($0) } ?? -1, isNotNull: rows[row, 5] == "t",
                    isGenerated: rows[row, 6] == "t", type: rows[row, 7] ?? "", comment: rows[row, 8])
            )
        }
    }

    private func indexes(_ oids: String) throws -> [(UInt32, FoundTable.Index)] {
        let rows = try connection.query(
            """
            SELECT i.indrelid, c.relname, i.indisprimary, i.indisreplident,
                   i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL,
                   (SELECT string_agg(k.number::text, ',' ORDER BY k.place)
                      FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
                     WHERE k.place <= coalesce((to_jsonb(i) ->> 'indnkeyatts')::int, i.indnatts))
              FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             WHERE i.indrelid = ANY (\(literal: oids)::oid[])
             ORDER BY i.indrelid, c.relname COLLATE "C"
            """)
        return (0..<rows.count).map { row in
            (
                rows[row, 0].flatMap { UInt32($0) } ?? 0,
                FoundTable.Index(
                    name: rows[row, 1] ?? "", isPrimary: rows[row, 2] == "t", isReplicaIdentity: rows[row, 3] == "t",
                    isKey: rows[row, 4] == "t",
                    columns: (rows[row, 5] ?? "").split(separator: ",").compactMap { Int($0) })
            )
        }
    }

    /// Nil where the publication is not there yet: it will name what the catalog does.
    private func publishedTables(_ publication: String) throws -> Set<QualifiedName>? {
        let there = try connection.query("SELECT FROM pg_publication WHERE pubname = $1", [publication])
        guard there.count > 0 else { return nil }
        // One that shows partitions under the name of their root lists the root alone.
        let leaves = """
            UNION SELECT ln.nspname, l.relname
              FROM pg_publication_tables t JOIN pg_namespace n ON n.nspname = t.schemaname
              JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename AND c.relkind = 'p'
              CROSS JOIN \(PartitionTree.sql(of: "c.oid")) AS p
              JOIN pg_class l ON l.oid = p.relid JOIN pg_namespace ln ON ln.oid = l.relnamespace
             WHERE t.pubname = $1 AND p.isleaf
            """
        let rows = try connection.query(
            """
            SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = $1
            \(raw: listsPartitions ? leaves : "")
            """, [publication])
        return Set((0..<rows.count).map { QualifiedName(rows[$0, 0] ?? "", rows[$0, 1] ?? "") })
    }
}

/// Schemas that come with a platform or an extension and are nobody's data.
enum SystemSchemas {
    /// Those of this server. Supabase's have everyday names, so they count only where its admin role is.
    static func present(_ connection: Connection) throws -> [String] {
        let rows = try connection.query(
            """
            SELECT nspname FROM pg_namespace
             WHERE nspname IN ('catalog_history', 'cron', 'pglogical', 'pg_internal', 'google_vacuum_mgmt', 'aws_commons',
                               'aws_s3', 'aws_lambda', 'rdsadmin', 'neon', 'neon_auth')
                OR nspname ~ '^(_timescaledb_|timescaledb_|apg_plan_mgmt|supabase_)'
                OR (nspname IN ('auth', 'storage', 'realtime', '_realtime', 'vault', 'graphql', 'graphql_public',
                                'extensions', 'net', 'pgsodium', 'pgbouncer', '_analytics')
                    AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_admin'))
            """)
        return (0..<rows.count).compactMap { rows[$0, 0] }
    }
}

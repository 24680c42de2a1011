import Postgres

/// Reads destination tables from the catalog.
struct TableInspection {
    let connection: Connection

    enum Found {
        case absent
        case table(DestinationTable)
        /// Something else has the name: a view, an index, ….
        case other(kind: String)
    }

    func find(_ name: QualifiedName) throws -> Found {
        let rows = try connection.query(
            """
            SELECT c.oid, c.relkind, EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = c.oid),
                   row_security_active(c.oid),
                   (SELECT rulename FROM pg_rewrite WHERE ev_class = c.oid AND ev_enabled <> 'D' AND ev_type <> '1' LIMIT 1),
                   (SELECT count(*) FROM pg_index WHERE indrelid = c.oid AND indisunique),
                   current_setting('session_replication_role') <> 'replica'
                   AND EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = c.oid),
                   pg_has_role(c.relowner, 'USAGE'), c.relhastriggers OR c.relkind = 'p'
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2
            """, [name.schema.name, name.name.name])
        guard rows.count == 1, let oid = rows[0, 0], let kind = rows[0, 1] else { return .absent }
        guard kind == "r" || kind == "p" else { return .other(kind: kind) }
        var table = DestinationTable(columns: try columns(oid), isPartitioned: kind == "p")
        table.uniqueIndexes = rows[0, 5].flatMap { Int($0) } ?? 0
        if table.isPartitioned { table.uniqueIndexes += try indexesOfPartitions(oid) }
        table.isReferredTo = rows[0, 2] == "t"
        table.refers = rows[0, 6] == "t"
        table.isOwned = rows[0, 7] == "t"
        if table.isPartitioned { table.partitionKey = try partitionKey(oid) }
        table.obstacle = rows[0, 3] == "t" ? .rowSecurity : rows[0, 4].map { .rule($0) }
        if rows[0, 8] == "t" {
            table.triggers = try RowTrigger.read(oid, connection)
            table.references = try ForeignKey.read(oid, connection)
            table.isReferredTo = table.isReferredTo || !table.references.isEmpty
        }
        try readKeys(oid, into: &table)
        table.contentIndex = try contentIndex(oid)
        return .table(table)
    }

    func isEmpty(_ name: QualifiedName) throws -> Bool {
        try connection.query("SELECT EXISTS (SELECT FROM \(name))")[0, 0] != "t"
    }

    /// Whether `TRUNCATE` is allowed, and no other table refers to this one.
    func mayTruncate(_ name: QualifiedName) throws -> Bool {
        try connection.query(
            """
            SELECT has_table_privilege(c.oid, 'TRUNCATE') AND NOT EXISTS (
                     SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = c.oid AND conrelid <> c.oid)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
            """, [name.schema.name, name.name.name])[0, 0] == "t"
    }

    /// Foreign keys of other tables that refer to rows of this one, as `schema.table` and the statement that drops each. A table
    /// that the role may not read counts as one that does.
    func referringKeys(_ name: QualifiedName) throws -> [(table: String, drop: String)] {
        let keys = try connection.query(
            """
            SELECT quote_ident(n.nspname) || '.' || quote_ident(r.relname), quote_ident(k.conname),
                   has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(r.oid, 'SELECT'),
                   (SELECT string_agg(quote_ident(a.attname) || ' IS NOT NULL', ' AND ') FROM pg_attribute a
                     WHERE a.attrelid = r.oid AND a.attnum = ANY (k.conkey))
              FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
              JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace m ON m.oid = c.relnamespace
             WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND k.conparentid = 0
               AND m.nspname = $1 AND c.relname = $2 ORDER BY 1, 2
            """, [name.schema.name, name.name.name])
        return try (0..<keys.count).compactMap { row in
            guard let table = keys[row, 0], let constraint = keys[row, 1], let condition = keys[row, 3] else {
                return nil
            }
            if keys[row, 2] == "t",
                try connection.query("SELECT EXISTS (SELECT FROM \(raw: table) WHERE \(raw: condition))")[0, 0] != "t"
            {
                return nil
            }
            return (table, "ALTER TABLE \(table) DROP CONSTRAINT \(constraint)")
        }
    }

    /// The statements that take away what keeps a table from being dropped: foreign keys of other tables, and views.
    func dependents(_ name: QualifiedName) throws -> [String] {
        let rows = try connection.query(
            """
            WITH it AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE n.nspname = $1 AND c.relname = $2)
            SELECT DISTINCT 'ALTER TABLE ' || quote_ident(n.nspname) || '.' || quote_ident(r.relname) || ' DROP CONSTRAINT '
                     || quote_ident(k.conname)
              FROM it JOIN pg_constraint k ON k.confrelid = it.oid AND k.contype = 'f' AND k.conrelid <> it.oid
                     AND k.conparentid = 0
              JOIN pg_class r ON r.oid = k.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
            UNION
            SELECT CASE v.relkind WHEN 'm' THEN 'DROP MATERIALIZED VIEW ' ELSE 'DROP VIEW ' END || quote_ident(n.nspname) || '.'
                     || quote_ident(v.relname)
              FROM it JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = it.oid
                     AND d.classid = 'pg_rewrite'::regclass
              JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class AND v.oid <> it.oid
              JOIN pg_namespace n ON n.oid = v.relnamespace
             ORDER BY 1
            """, [name.schema.name, name.name.name])
        return (0..<rows.count).compactMap { rows[$0, 0] }
    }

    /// Types of which equal values are equal as text too.
    private static let strictTypes = [
        "bool", "int2", "int4", "int8", "oid", "uuid", "text", "varchar", "name", "char", "bytea", "date", "time",
        "timestamp", "timestamptz", "macaddr", "macaddr8", "pg_lsn", "xid8",
    ].joined(separator: ",")

    private func columns(_ oid: String) throws -> [DestinationColumn] {
        let rows = try connection.query(
            """
            SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid, a.atttypmod, a.attnotnull,
                   a.atthasdef OR a.attidentity <> '', coalesce(to_jsonb(a) ->> 'attgenerated', '') <> '',
                   a.attidentity = 'a',
                   CASE WHEN a.attcollation <> t.typcollation
                        THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END,
                   NOT (b.typtype = 'e' OR (b.typname = ANY (string_to_array($2, ','))
                        AND b.typnamespace = 'pg_catalog'::regnamespace
                        AND coalesce((to_jsonb(co) ->> 'collisdeterministic')::bool, true))),
                   \(raw: KeyOperators.sql(ofType: "b.oid")),
                   CASE WHEN t.typtype = 'd' THEN format_type(b.oid, -1) ELSE format_type(a.atttypid, a.atttypmod) END
                     || CASE WHEN a.attcollation <> b.typcollation
                             THEN ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname) ELSE '' END,
                   (to_jsonb(co) ->> 'collisdeterministic') = 'false', a.attidentity <> '', a.attnum
              FROM pg_attribute a
              JOIN pg_type t ON t.oid = a.atttypid
              JOIN pg_type b ON b.oid = (
                   WITH RECURSIVE base AS (
                     SELECT t.oid, t.typtype, t.typbasetype
                     UNION ALL SELECT p.oid, p.typtype, p.typbasetype
                       FROM base JOIN pg_type p ON p.oid = base.typbasetype WHERE base.typtype = 'd')
                   SELECT base.oid FROM base WHERE base.typtype <> 'd')
              LEFT JOIN pg_collation co ON co.oid = a.attcollation
              LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
             WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
             ORDER BY a.attnum
            """, [oid, TableInspection.strictTypes])
        return (0..<rows.count).map { row in
            DestinationColumn(
                name: rows[row, 0] ?? "", number: rows[row, 14].flatMap { Int($0) } ?? 0, type: rows[row, 1] ?? "",
                typeOID: rows[row, 2].flatMap { UInt32($0) } ?? 0,
                typeModifier: rows[row, 3].flatMap { Int32($0) } ?? -1, collation: rows[row, 8],
                isNotNull: rows[row, 4] == "t", hasDefault: rows[row, 5] == "t", isGenerated: rows[row, 6] == "t",
                isIdentity: rows[row, 13] == "t", isAlwaysIdentity: rows[row, 7] == "t",
                hasLooseEquality: rows[row, 9] == "t",
                joinsTexts: rows[row, 12] == "t", stagedType: rows[row, 11] ?? "",
                operators: KeyOperators(rows[row, 10]))
        }
    }

    /// One row for each column of each index, in index order.
    private func readKeys(_ oid: String, into table: inout DestinationTable) throws {
        let rows = try connection.query(
            """
            SELECT i.indexrelid, i.indisprimary, a.attname, i.indimmediate, i.indisreplident, k.conname
              FROM pg_index i
              LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
              CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS c(attnum, place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.attnum
             WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
               AND i.indexprs IS NULL AND c.place <= i.indnkeyatts
             ORDER BY i.indexrelid, c.place
            """, [oid])
        for first in 0..<rows.count where first == 0 || rows[first, 0] != rows[first - 1, 0] {
            let columns = (first..<rows.count).prefix { rows[$0, 0] == rows[first, 0] }.map { rows[$0, 2] ?? "" }
            if rows[first, 3] == "t" {
                table.uniqueKeys.append(columns)
            } else if let name = rows[first, 5] {
                table.deferrableKeys.append(.init(name: name, columns: columns))
            }
            if rows[first, 1] == "t" {
                table.primaryKey = columns
                table.primaryKeyName = rows[first, 5]
            }
            if rows[first, 4] == "t" { table.replicaIdentity = columns }
        }
    }

    /// Unique indexes that only partitions have. Servers before 12 can't be asked for them at once.
    private func indexesOfPartitions(_ oid: String) throws -> Int {
        guard connection.serverVersion >= 120_000 else { return 0 }
        let rows = try connection.query(
            """
            SELECT count(*) FROM pg_partition_tree($1::oid) p JOIN pg_index i ON i.indrelid = p.relid
             WHERE p.level > 0 AND i.indisunique AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
            """, [oid])
        return rows[0, 0].flatMap { Int($0) } ?? 0
    }

    private func partitionKey(_ oid: String) throws -> [String?] {
        let rows = try connection.query(
            """
            SELECT a.attname FROM pg_partitioned_table p
              CROSS JOIN unnest(p.partattrs::int2[]) WITH ORDINALITY AS k(attnum, place)
              LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum > 0
             WHERE p.partrelid = $1::oid ORDER BY k.place
            """, [oid])
        return (0..<rows.count).map { rows[$0, 0] }
    }
}

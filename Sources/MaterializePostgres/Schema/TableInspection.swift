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
                   EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = c.oid)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2
            """, [name.schema.name, name.name.name])
        guard rows.count == 1, let oid = rows[0, 0], let kind = rows[0, 1] else { return .absent }
        guard kind == "r" || kind == "p" else { return .other(kind: kind) }
        var table = DestinationTable(columns: try columns(oid), isPartitioned: kind == "p")
        table.uniqueIndexes = rows[0, 5].flatMap { Int($0) } ?? 0
        table.isReferredTo = rows[0, 2] == "t"
        table.refers = rows[0, 6] == "t"
        table.obstacle = rows[0, 3] == "t" ? .rowSecurity : rows[0, 4].map { .rule($0) }
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
                   (to_jsonb(co) ->> 'collisdeterministic') = 'false'
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
                name: rows[row, 0] ?? "", type: rows[row, 1] ?? "", typeOID: rows[row, 2].flatMap { UInt32($0) } ?? 0,
                typeModifier: rows[row, 3].flatMap { Int32($0) } ?? -1, collation: rows[row, 8],
                isNotNull: rows[row, 4] == "t", hasDefault: rows[row, 5] == "t", isGenerated: rows[row, 6] == "t",
                isAlwaysIdentity: rows[row, 7] == "t", hasLooseEquality: rows[row, 9] == "t",
                joinsTexts: rows[row, 12] == "t", stagedType: rows[row, 11] ?? "",
                operators: KeyOperators(rows[row, 10]))
        }
    }

    /// One row for each column of each index, in index order.
    private func readKeys(_ oid: String, into table: inout DestinationTable) throws {
        let rows = try connection.query(
            """
            SELECT i.indexrelid, i.indisprimary, a.attname
              FROM pg_index i
              CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE i.indrelid = $1::oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
               AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
             ORDER BY i.indexrelid, k.place
            """, [oid])
        var last: String?
        for row in 0..<rows.count {
            let name = rows[row, 2] ?? ""
            if rows[row, 0] == last, let index = table.uniqueKeys.indices.last {
                table.uniqueKeys[index].append(name)
            } else {
                table.uniqueKeys.append([name])
            }
            last = rows[row, 0]
            if rows[row, 1] == "t" { table.primaryKey = table.uniqueKeys.last }
        }
    }
}

import Connectors
import JSON
import Postgres

/// Reads what the source's catalog says of tables: shapes, keys, types.
struct TableCatalog {
    let connection: Connection
    /// What tables that it finds are published by; see `TableSource.publisher`.
    var publication: String?

    /// Finds a table; nil where there is none that can be captured.
    func table(_ name: QualifiedName, index: Int) throws -> TableSource? {
        let rows = try connection.query(
            """
            SELECT c.oid, c.relkind, c.relreplident,
                   CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8 END,
                   (SELECT string_agg(quote_ident(a.attname), ',' ORDER BY k.place)
                      FROM pg_index i
                      CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
                      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                     WHERE i.indrelid = c.oid AND k.place <= i.indnkeyatts
                       AND CASE WHEN c.relreplident = 'i' THEN i.indisreplident ELSE i.indisprimary END), c.relhassubclass
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = \(literal: name.schema.name) AND c.relname = \(literal: name.name.name)
               AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
            """)
        guard rows.count == 1, let oid = rows[0, 0].flatMap({ UInt32($0) }) else { return nil }
        let isPartitioned = rows[0, 1] == "p"
        var source = TableSource(
            index: index, oid: oid, name: name, isPartitioned: isPartitioned,
            replicaIdentity: rows[0, 2]?.first ?? "d", orderColumns: QuotedNames.split(rows[0, 4] ?? ""),
            estimatedRows: isPartitioned
                ? try partitionEstimate(oid) : rows[0, 3].flatMap { Int64($0) }, hasHeirs: rows[0, 5] == "t")
        if connection.serverVersion >= 180_000 { source.publisher = publication }
        return source
    }

    /// What has this name and can't be captured, as `a view …`, and what to do; nil where nothing has it.
    func obstacle(_ name: QualifiedName) throws -> (message: String, hint: String)? {
        let rows = try connection.query(
            """
            SELECT c.relkind, c.relpersistence FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = \(literal: name.schema.name) AND c.relname = \(literal: name.name.name)
               AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            """)
        guard rows.count > 0 else { return nil }
        let tables = "capture the tables that its rows come from"
        switch rows[0, 0] {
        case "v": return ("it is a view: the log has the changes of tables only", tables)
        case "m": return ("it is a materialized view: the log does not say how it changes", tables)
        case "f": return ("it is a foreign table: its changes are in another server's log", "capture it there")
        default: break
        }
        switch rows[0, 1] {
        case "u":
            return (
                "it is unlogged: nothing of it is in the log",
                "ALTER TABLE \(name) SET LOGGED; where a destination has rows of it, have it read again: raise `backfill` of "
                    + "its binding in the capture"
            )
        default: return ("it is temporary: nothing of it is in the log", "capture a permanent table")
        }
    }

    /// What tables have on the disk, with their partitions and what is stored out of line; nil where nobody can say. Waits
    /// for no lock for long.
    func bytes(of sources: [TableSource]) -> [Int64?] {
        (try? readBytes(sources)) ?? Array(repeating: nil, count: sources.count)
    }

    private func readBytes(_ sources: [TableSource]) throws -> [Int64?] {
        try connection.execute("SET lock_timeout = '1s'")
        let rows = try connection.query(
            """
            SELECT (WITH RECURSIVE part (oid) AS (
                      SELECT o.oid UNION ALL SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.oid
                        JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition)
                    SELECT sum(pg_table_size(part.oid)) FROM part)
              FROM unnest(\(literal: ArrayText.of(sources.map(\.oid)))::oid[]) WITH ORDINALITY AS o (oid, place) ORDER BY place
            """)
        return (0..<rows.count).map { rows[$0, 0].flatMap { Int64($0) } }
    }

    private func partitionEstimate(_ oid: UInt32) throws -> Int64? {
        let rows = try connection.query(
            """
            SELECT sum(CASE WHEN c.reltuples > 0 THEN c.reltuples ELSE 0 END)::int8
              FROM \(raw: PartitionTree.sql(of: "\(oid)::oid")) t JOIN pg_class c ON c.oid = t.relid
            """)
        return rows[0, 0].flatMap { Int64($0) }
    }

    /// By table: the catalog's row that publishes it, of the table itself, of a table that it is a partition of, of its
    /// schema, or of the whole publication. Tables that are not published are absent.
    ///
    /// With a schema goes who put the table into it: one that left the schema and came back was not published meanwhile.
    func memberships(of tables: [TableSource], in publication: String) throws -> [UInt32: String] {
        let oids = ArrayText.of(tables.map(\.oid))
        let hasSchemas = connection.serverVersion >= 150_000
        let ofSchema: SQL =
            hasSchemas
            ? """
            (SELECT 'n' || m.oid || coalesce((
                      SELECT '.' || d.xmin::text FROM pg_depend d
                       WHERE d.classid = 'pg_class'::regclass AND d.objid = o.oid AND d.objsubid = 0
                         AND d.refclassid = 'pg_namespace'::regclass), '')
               FROM pg_publication_namespace m JOIN pg_class c ON c.relnamespace = m.pnnspid
              WHERE m.pnpubid = p.oid AND c.oid = o.oid)
            """ : "NULL"
        let rows = try connection.query(
            """
            SELECT o.oid, coalesce(
                     CASE WHEN p.puballtables THEN 'p' || p.oid END,
                     (SELECT 'r' || r.oid FROM pg_publication_rel r
                       WHERE r.prpubid = p.oid AND r.prrelid IN (
                         SELECT o.oid UNION ALL SELECT relid FROM pg_partition_ancestors(o.oid) a (relid))
                       ORDER BY r.prrelid <> o.oid LIMIT 1),
                     \(ofSchema))
              FROM unnest(\(literal: oids)::oid[]) AS o (oid), pg_publication p
             WHERE p.pubname = \(literal: publication)
            """)
        var found: [UInt32: String] = [:]
        for row in 0..<rows.count {
            if let oid = rows[row, 0].flatMap({ UInt32($0) }), let membership = rows[row, 1] { found[oid] = membership }
        }
        return found
    }

    /// The table's shape as the catalog has it now.
    func shape(of table: TableSource) throws -> TableShape {
        let columns = try columns(of: table)
        return TableShape(
            table: table.index, namespace: table.name.schema.name, name: table.name.name.name, columns: columns,
            types: try TypeCatalog(connection: connection).definitions(of: columns.map(\.typeOID)),
            generated: try GeneratedColumns.read([table], connection)[table.oid]?.over(columns) ?? [])
    }

    /// Of pg_attribute `a`: whether no row has a null in it. A NOT NULL constraint that is NOT VALID (18 and later) says so of new
    /// rows only.
    static let isNeverNull = """
        a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint nn WHERE nn.conrelid = a.attrelid AND nn.contype = 'n'
          AND nn.conkey = ARRAY[a.attnum] AND NOT nn.convalidated)
        """

    /// Columns that the log carries (see `LoggedColumns`).
    func columns(of table: TableSource) throws -> [ColumnShape] {
        let rows = try connection.query(
            """
            SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid, a.atttypmod, \(raw: TableCatalog.isNeverNull), a.attnum,
                   t.typlen = -1 AND t.typstorage <> 'p',
                   CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                        THEN quote_ident(ns.nspname) || '.' || quote_ident(co.collname) END,
                   CASE WHEN a.atthasmissing THEN array_to_string(a.attmissingval, '')
                        WHEN \(literal: table.isPartitioned ? "t" : "f")::boolean THEN (
                          SELECT array_to_string(l.attmissingval, '')
                            FROM \(raw: PartitionTree.sql(of: "a.attrelid")) t JOIN pg_attribute l ON l.attrelid = t.relid
                           WHERE l.attname = a.attname AND l.atthasmissing LIMIT 1) END,
                   \(literal: String(table.replicaIdentity)) = 'f' OR EXISTS (
                     SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                        AND CASE \(literal: String(table.replicaIdentity)) WHEN 'd' THEN i.indisprimary
                                 WHEN 'i' THEN i.indisreplident ELSE false END),
                   (to_jsonb(co) ->> 'collisdeterministic') = 'false'
              FROM pg_attribute a
              JOIN pg_type t ON t.oid = a.atttypid
              LEFT JOIN pg_collation co ON co.oid = a.attcollation
              LEFT JOIN pg_namespace ns ON ns.oid = co.collnamespace
             WHERE a.attrelid = \(literal: String(table.oid))::oid AND a.attnum > 0 AND NOT a.attisdropped
               AND \(LoggedColumns.condition(table.publisher))
             ORDER BY a.attnum
            """)
        let leaves = table.isPartitioned ? try LeafIdentity.read(table.oid, connection) : LeafIdentity()
        return (0..<rows.count).map { row in
            let typeOID = rows[row, 2].flatMap { UInt32($0) } ?? 0
            var column = ColumnShape(
                name: rows[row, 0] ?? "", type: rows[row, 1] ?? "", typeOID: typeOID,
                typeModifier: rows[row, 3].flatMap { Int32($0) } ?? -1,
                isBinarySafe: BuiltInTypes.binarySafe.contains(typeOID), isToastable: rows[row, 6] == "t",
                collation: rows[row, 7], isNotNull: rows[row, 4] == "t",
                isIdentity: rows[row, 9] == "t" && leaves.carries(rows[row, 0] ?? ""),
                attribute: rows[row, 5].flatMap { Int($0) }, missingValue: rows[row, 8])
            column.joinsTexts = rows[row, 10] == "t"
            return column
        }
    }

    /// The numbers that the table's columns have, and had where they were dropped; without those the log doesn't carry.
    func attributes(of table: TableSource) throws -> [ColumnAlignment.Attribute] {
        let rows = try connection.query(
            """
            SELECT attnum, CASE WHEN NOT attisdropped THEN attname END FROM pg_attribute a
             WHERE attrelid = \(literal: String(table.oid))::oid AND attnum > 0
               AND (attisdropped OR \(LoggedColumns.condition(table.publisher)))
             ORDER BY attnum
            """)
        return (0..<rows.count).map { row in
            ColumnAlignment.Attribute(number: rows[row, 0].flatMap { Int($0) } ?? 0, name: rows[row, 1])
        }
    }

    /// How the order of a table's key is compared.
    func order(of table: TableSource, shape: TableShape) throws -> KeyOrder {
        try order(of: table, by: table.orderColumns, shape: shape)
    }

    /// The same for other columns that are unique.
    func order(of table: TableSource, by names: [String], shape: TableShape) throws -> KeyOrder {
        guard !names.isEmpty else { return KeyOrder(columns: []) }
        let rows = try connection.query(
            """
            SELECT a.attname, d.encoding = 6 AND (
                     co.oid IN (950, 951) OR co.oid = 100 AND d.datcollate IN ('C', 'POSIX')
                     AND coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'c'),
                   quote_ident(ns.nspname) || '.' || quote_ident(co.collname),
                   \(raw: KeyOperators.sql(ofType: "a.atttypid")), a.attcollation, (
                     WITH RECURSIVE part (type) AS (
                       SELECT a.atttypid
                       UNION
                       SELECT s.type FROM part JOIN pg_type t ON t.oid = part.type CROSS JOIN LATERAL (
                                SELECT t.typbasetype UNION ALL SELECT t.typelem
                                UNION ALL SELECT f.atttypid FROM pg_attribute f
                                           WHERE f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
                                UNION ALL SELECT r.rngsubtype FROM pg_range r
                                           WHERE t.oid IN (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid)) s (type)
                        WHERE s.type <> 0)
                     SELECT json_agg(e.oid || ' ' || e.enumlabel ORDER BY e.enumtypid, e.enumsortorder)::text
                       FROM part JOIN pg_enum e ON e.enumtypid = part.type)
              FROM pg_attribute a
              JOIN pg_database d ON d.datname = current_database()
              LEFT JOIN pg_collation co ON co.oid = a.attcollation
              LEFT JOIN pg_namespace ns ON ns.oid = co.collnamespace
             WHERE a.attrelid = \(literal: String(table.oid))::oid AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attname = ANY (\(literal: ArrayText.of(names))::name[])
            """)
        var collations: [Identifier: (isC: Bool, name: String?)] = [:]
        var operators: [Identifier: KeyOperators] = [:]
        var sorting: [Identifier: [String]] = [:]
        for row in 0..<rows.count {
            let name = Identifier(rows[row, 0] ?? "")
            collations[name] = (rows[row, 1] == "t", rows[row, 2])
            operators[name] = KeyOperators(rows[row, 3])
            let labels = rows[row, 5].flatMap { try? JSONValue(parsing: $0) }?.arrayValue ?? []
            sorting[name] = [rows[row, 4] ?? ""] + labels.compactMap(\.stringValue)
        }
        return KeyOrder(
            columns: names.compactMap { name in
                guard let index = shape.index(of: name) else { return nil }
                let column = shape.columns[index]
                let collation = collations[Identifier(name)]
                let comparison: KeyOrder.Comparison
                if BuiltInTypes.integers.contains(column.typeOID) {
                    comparison = .integer
                } else if BuiltInTypes.bytewise.contains(column.typeOID)
                    || (BuiltInTypes.texts.contains(column.typeOID) && collation?.isC == true)
                {
                    comparison = .bytes
                } else {
                    comparison = .server
                }
                return KeyOrder.Column(
                    index: index, name: name, type: column.type, collation: collation?.name, comparison: comparison,
                    operators: operators[Identifier(name)] ?? .builtIn, sorting: sorting[Identifier(name)] ?? [])
            })
    }
}

import Connectors
import Postgres

/// What a publication shows of the captured tables, as the catalog has it now. The log is written as the publication was at
/// each change: what it left out then is missing for good, so that one which was altered at all is not trusted blindly.
struct PublicationReading {
    let connection: Connection
    let name: String
    /// The catalog's row of it, which another one takes the place of with each ALTER PUBLICATION … SET (…), OWNER and RENAME.
    let version: String
    private let hasAllOperations: Bool
    private let isViaRoot: Bool

    private var identifier: Identifier { Identifier(name) }

    /// Nil where there is none.
    init?(_ name: String, _ connection: Connection) throws {
        let rows = try connection.query(
            """
            SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate, to_jsonb(p) ->> 'pubviaroot', oid || ':' || xmin
              FROM pg_publication p WHERE pubname = \(literal: name)
            """)
        guard rows.count > 0 else { return nil }
        self.connection = connection
        self.name = name
        hasAllOperations = rows[0, 0] == "t"
        isViaRoot = rows[0, 1] == "true"
        version = rows[0, 2] ?? ""
    }

    /// Throws where it leaves out something of the tables that it shows; returns those that it doesn't show.
    /// `showsPartitions`: each partition is captured under its own name, whatever table it is attached to, now or later.
    func requireWhole(_ tables: [TableSource], showsPartitions: Bool = false) throws -> [TableSource] {
        guard hasAllOperations else {
            throw RunError(
                .needsOperator, operation: "use", object: "publication \(identifier)",
                message: "it does not publish every kind of change",
                hint: "ALTER PUBLICATION \(identifier) SET (publish = 'insert, update, delete, truncate');")
        }
        if tables.contains(where: \.isPartitioned), !isViaRoot {
            throw RunError(
                .needsOperator, operation: "use", object: "publication \(identifier)",
                message:
                    "it shows the changes of partitions under their own names, and a partitioned table is captured",
                hint: "ALTER PUBLICATION \(identifier) SET (publish_via_partition_root = true);",
                binding: tables.first(where: \.isPartitioned)?.binding)
        }
        if showsPartitions, isViaRoot {
            throw RunError(
                .needsOperator, operation: "use", object: "publication \(identifier)",
                message:
                    "it shows the changes of partitions under the name of the partitioned table, and "
                    + "advanced.capture_as_partitions has each partition captured under its own",
                hint: "ALTER PUBLICATION \(identifier) SET (publish_via_partition_root = false);",
                binding: tables.first?.binding)
        }
        try PublicationReading.refusePartitions(tables, isViaRoot ? name : nil, connection)
        return try refuseNarrowed(tables)
    }

    /// Throws where a captured table's changes come under the name of a table that it is a partition of: one that is captured
    /// too, or that the publication shows.
    static func refusePartitions(
        _ tables: [TableSource], _ publication: String?, _ connection: Connection
    ) throws {
        guard connection.serverVersion >= 130_000 else { return }
        let oids = ArrayText.of(tables.map(\.oid))
        let captured = ArrayText.of(tables.filter(\.isPartitioned).map(\.oid))
        let rows = try connection.query(
            """
            SELECT o.place, n.nspname, c.relname
              FROM unnest(\(literal: oids)::oid[]) WITH ORDINALITY AS o (oid, place)
              CROSS JOIN pg_partition_ancestors(o.oid) AS a (relid)
              JOIN pg_class c ON c.oid = a.relid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE a.relid <> o.oid
               AND (a.relid = ANY (\(literal: captured)::oid[])
                    OR EXISTS (SELECT FROM pg_publication_tables t WHERE t.pubname = \(literal: publication ?? "")
                                AND t.schemaname = n.nspname AND t.tablename = c.relname))
             ORDER BY 1 LIMIT 1
            """)
        guard rows.count > 0, let place = rows[0, 0].flatMap({ Int($0) }), tables.indices.contains(place - 1) else {
            return
        }
        let table = tables[place - 1]
        let root = QualifiedName(rows[0, 1] ?? "", rows[0, 2] ?? "")
        throw RunError(
            .needsOperator, operation: "publish", object: "table \(table.name)",
            message: "it is a partition of \(root), and its changes are published under that name",
            hint: "capture \(root) instead, or give this capture a publication of its own that lacks it",
            binding: table.binding)
    }

    /// By published table, what leaves a part of it out: `a row filter` or `a column list`, of 15 and later; nil where nothing does.
    static func narrowings(_ publication: String, _ connection: Connection) throws -> [QualifiedName: String?] {
        let rows = try connection.query(
            """
            SELECT t.schemaname, t.tablename, to_jsonb(t) ->> 'rowfilter' IS NOT NULL, EXISTS (
                     SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                       JOIN pg_namespace n ON n.oid = c.relnamespace
                      WHERE n.nspname = t.schemaname AND c.relname = t.tablename AND a.attnum > 0 AND NOT a.attisdropped
                        AND coalesce(to_jsonb(a) ->> 'attgenerated', '') = '' AND to_jsonb(t) -> 'attnames' IS NOT NULL
                        AND NOT (to_jsonb(t) -> 'attnames') ? a.attname::text)
              FROM pg_publication_tables t WHERE t.pubname = $1
            """, [publication])
        var tables: [QualifiedName: String?] = [:]
        for row in 0..<rows.count {
            let what = rows[row, 2] == "t" ? "a row filter" : rows[row, 3] == "t" ? "a column list" : nil
            tables.updateValue(what, forKey: QualifiedName(rows[row, 0] ?? "", rows[row, 1] ?? ""))
        }
        return tables
    }

    /// Whether the publication shows a table's changes under its own name. Waits for nobody: `pg_publication_tables` opens every table that is
    /// published (16 and later), so that one which somebody has locked would hold up all.
    static func isPublished(_ table: QualifiedName, in publication: String, _ connection: Connection) throws -> Bool {
        // Schemas: 15 and later. A partition: by those above it, unless its changes have their name.
        let ancestors: SQL =
            connection.serverVersion >= 130_000
            ? "OR (NOT p.pubviaroot AND r.prrelid IN (SELECT t FROM pg_partition_ancestors(c.oid) AS t))" : ""
        let schemas: SQL =
            connection.serverVersion >= 150_000
            ? "OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid AND s.pnnspid = n.oid)" : ""
        let rows = try connection.query(
            """
            SELECT FROM pg_publication p, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE p.pubname = \(literal: publication) AND n.nspname = \(literal: table.schema.name)
               AND c.relname = \(literal: table.name.name) AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
               AND (p.puballtables \(schemas)
                    OR EXISTS (SELECT FROM pg_publication_rel r
                                WHERE r.prpubid = p.oid AND (r.prrelid = c.oid \(ancestors))))
            """)
        return rows.count > 0
    }

    private func refuseNarrowed(_ tables: [TableSource]) throws -> [TableSource] {
        let published = try PublicationReading.narrowings(name, connection)
        for table in tables {
            guard case let what?? = published[table.name] else { continue }
            throw RunError(
                .needsOperator, operation: "use", object: "publication \(identifier)",
                message: "it has \(what) for \(table.name), which would leave something of it out",
                hint: "ALTER PUBLICATION \(identifier) DROP TABLE \(table.published); "
                    + "ALTER PUBLICATION \(identifier) ADD TABLE \(table.published);", binding: table.binding)
        }
        return tables.filter { published[$0.name] == nil }
    }
}

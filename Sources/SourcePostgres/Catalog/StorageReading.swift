import Connectors
import Postgres

/// A table's storage as the catalog has it now, with what only counts at this moment.
struct FoundStorage: Sendable {
    struct Facts: Sendable {
        /// pg_class.relkind and relpersistence.
        var kind: String
        var persistence: String
        /// The transaction that wrote the catalog's row of it.
        var version: String
        var parent: UInt32?
    }

    /// Of a unique index.
    struct IndexFacts: Sendable {
        var columns: Set<Identifier>
        /// Whether it tells apart what its columns' own types and collations do (`UniqueKeys`).
        var isExact: Bool
        /// Whether its row in the catalog is as it was made or rebuilt, or its part's is older than it: a switch to it as replica
        /// identity and back writes both.
        var wasNeverIdentity: Bool
        /// Whether it took the place and the name of another (`REINDEX … CONCURRENTLY`).
        var wasRebuilt: Bool
    }

    var record = StorageRecord()
    var facts: [UInt32: Facts] = [:]
    var indexes: [UInt32: IndexFacts] = [:]

    /// The part, and what it is a partition of, up to the captured table and without it.
    func chain(of oid: UInt32, below root: UInt32) -> [UInt32] {
        var chain: [UInt32] = []
        var next: UInt32? = oid
        while let part = next, part != root, chain.count < 100 {
            chain.append(part)
            next = facts[part]?.parent
        }
        return chain
    }
}

/// What has to be looked at more closely of a part.
struct PartDetail: Sendable {
    /// Whether its file has not a single page.
    var isEmpty: Bool
    /// Whether it never had one: no page and no sign of a VACUUM, which alone could have taken pages away.
    var wasAlwaysEmpty: Bool
    /// Whether `CREATE TABLE … PARTITION OF` made it: it never was a table of its own.
    var wasMadeAsPartition: Bool
}

/// Reads where tables' rows are kept, without waiting for locks that others hold.
struct StorageReading {
    let connection: Connection

    /// By table; one that was dropped is absent. In one statement, so that everything is of one moment.
    func read(_ tables: [TableSource]) throws -> [UInt32: FoundStorage] {
        guard !tables.isEmpty else { return [:] }
        let oids = SQL.literal(ArrayText.of(tables.map(\.oid)))
        let rows = try connection.query(
            """
            WITH RECURSIVE part (root, oid, parent, place) AS (
              SELECT o.oid, o.oid, NULL::oid, coalesce((
                       SELECT i.inhparent::text || '.' || i.xmin::text
                         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
                        WHERE i.inhrelid = o.oid), '')
                FROM unnest(\(raw: oids)::oid[]) AS o (oid)
              UNION ALL
              SELECT p.root, i.inhrelid, p.oid, i.inhparent::text || '.' || i.xmin::text
                FROM part p JOIN pg_class c ON c.oid = p.oid AND c.relkind = 'p' JOIN pg_inherits i ON i.inhparent = p.oid
               WHERE (to_jsonb(i) ->> 'inhdetachpending') IS DISTINCT FROM 'true'
            ),
            kind (root, number, type) AS (
              SELECT a.attrelid, a.attnum, a.atttypid FROM pg_attribute a
               WHERE a.attrelid = ANY (\(raw: oids)::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
                 AND a.atttypid >= '16384'::oid
              UNION
              SELECT k.root, k.number, n.type FROM kind k JOIN pg_type t ON t.oid = k.type, LATERAL (
                       SELECT t.typelem UNION ALL SELECT t.typbasetype
                       UNION ALL SELECT x.atttypid FROM pg_attribute x
                                  WHERE t.typrelid <> 0 AND x.attrelid = t.typrelid AND x.attnum > 0 AND NOT x.attisdropped
                     ) AS n (type)
               WHERE n.type >= '16384'::oid
            )
            SELECT p.root, 'p', p.oid::text, p.place, c.relfilenode::text, c.relkind::text, c.relpersistence::text,
                   c.xmin::text, p.parent::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
                   pg_snapshot_xmin(pg_current_snapshot())::text, c.relnatts::text
              FROM part p JOIN pg_class c ON c.oid = p.oid JOIN pg_namespace n ON n.oid = c.relnamespace
            UNION ALL
            SELECT a.attrelid, 'a', a.attnum::text, a.xmin::text || '.' || a.cmin::text,
                   a.atttypid::text || '.' || a.atttypmod::text || '.' || a.attcollation::text,
                   NULL, NULL, NULL, NULL, NULL, NULL, NULL
              FROM pg_attribute a
             WHERE a.attrelid = ANY (\(raw: oids)::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
               AND \(LoggedColumns.condition(tables.first?.publisher))
            UNION ALL
            SELECT p.root, 'i', i.indexrelid::text, p.oid::text, coalesce((
                     SELECT max(k.oid::text) FROM pg_constraint k
                      WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u')), '0'), i.xmin::text,
                   (SELECT string_agg(quote_ident(a.attname), ',')
                      FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                     WHERE k.place <= i.indnkeyatts),
                   (\(raw: UniqueKeys.condition))::text,
                   (i.xmin = f.xmin AND i.cmin = f.cmin OR i.xmin = x.xmin AND i.xmin <> f.xmin
                     OR age(c.xmin) > age(i.xmin))::text, quote_ident(x.relname),
                   (i.xmin = x.xmin AND i.xmin <> f.xmin)::text, NULL
              FROM part p JOIN pg_class c ON c.oid = p.oid JOIN pg_index i ON i.indrelid = p.oid
              JOIN pg_class x ON x.oid = i.indexrelid
              JOIN pg_attribute f ON f.attrelid = i.indexrelid AND f.attnum = 1
             WHERE i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
            UNION ALL
            SELECT k.root, 't', k.number::text, l.place, l.entry, NULL, NULL, NULL, NULL, NULL, NULL, NULL
              FROM kind k, LATERAL (
                     SELECT 'e' || e.oid::text, e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = k.type
                     UNION ALL
                     SELECT 'a' || x.attrelid::text || '.' || x.attnum::text, x.atttypid::text || '.' || x.atttypmod::text
                       FROM pg_type t JOIN pg_attribute x ON x.attrelid = t.typrelid
                      WHERE t.oid = k.type AND t.typrelid <> 0 AND x.attnum > 0 AND NOT x.attisdropped
                   ) AS l (place, entry)
            """)
        var found: [UInt32: FoundStorage] = [:]
        for row in 0..<rows.count {
            guard let root = rows[row, 0].flatMap({ UInt32($0) }) else { continue }
            if rows[row, 1] == "a" {
                guard let number = rows[row, 2].flatMap({ Int($0) }) else { continue }
                found[root, default: FoundStorage()].record.columns[number] = StorageRecord.Column(
                    version: rows[row, 3] ?? "", type: rows[row, 4] ?? "")
                continue
            }
            if rows[row, 1] == "t" {
                guard let number = rows[row, 2].flatMap({ Int($0) }), let place = rows[row, 3] else { continue }
                var types = found[root]?.record.types ?? [:]
                types[number, default: [:]][place] = rows[row, 4] ?? ""
                found[root, default: FoundStorage()].record.types = types
                continue
            }
            guard let oid = rows[row, 2].flatMap({ UInt32($0) }) else { continue }
            if rows[row, 1] == "i" {
                let index = StorageRecord.UniqueIndex(
                    part: rows[row, 3].flatMap { UInt32($0) } ?? 0,
                    constraint: rows[row, 4].flatMap { UInt32($0) } ?? 0, version: rows[row, 5] ?? "",
                    name: rows[row, 9] ?? "")
                found[root, default: FoundStorage()].record.unique = (found[root]?.record.unique ?? [:])
                    .merging([oid: index]) { $1 }
                found[root]?.indexes[oid] = FoundStorage.IndexFacts(
                    columns: Set(QuotedNames.split(rows[row, 6] ?? "").map(Identifier.init)),
                    isExact: rows[row, 7] == "true", wasNeverIdentity: rows[row, 8] == "true",
                    wasRebuilt: rows[row, 10] == "true")
                continue
            }
            found[root, default: FoundStorage()].record.parts[oid] = StorageRecord.Part(
                file: rows[row, 4].flatMap { UInt32($0) } ?? 0, place: rows[row, 3] ?? "", name: rows[row, 9] ?? "")
            found[root]?.facts[oid] = FoundStorage.Facts(
                kind: rows[row, 5] ?? "", persistence: rows[row, 6] ?? "", version: rows[row, 7] ?? "",
                parent: rows[row, 8].flatMap { UInt32($0) })
            found[root]?.record.horizon = rows[row, 10].flatMap { UInt64($0) } ?? 0
            if found[root]?.record.unique == nil { found[root]?.record.unique = [:] }
            if found[root]?.record.types == nil { found[root]?.record.types = [:] }
            if oid == root { found[root]?.record.highest = rows[row, 11].flatMap { Int($0) } ?? 0 }
        }
        return found
    }

    /// Reads it for tables whose names and numbers are known. Throws for partitions that no log has.
    func fill(_ tables: inout [TableSource]) throws {
        let found = try read(tables)
        let place = try place()
        for index in tables.indices {
            guard var storage = found[tables[index].oid] else { continue }
            storage.record.place = place
            if tables[index].isPartitioned {
                if let fault = StorageFault.unlogged(storage, of: tables[index]) {
                    throw fault.refusal(tables[index])
                }
                for (oid, detail) in try details(of: storage.record.parts.keys.sorted()) ?? [:] {
                    storage.record.parts[oid]?.isEmpty = detail.isEmpty
                }
            }
            tables[index].found = storage
        }
    }

    /// Behind everything that was read before.
    func place() throws -> LogPosition {
        let rows = try connection.query(
            "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END")
        return WALPage.endOfLastRecord(rows[0, 0].flatMap { LogPosition($0) } ?? .zero)
    }

    /// By part, of those that are there; nil where somebody holds a lock on one that keeps readers out.
    func details(of oids: [UInt32]) throws -> [UInt32: PartDetail]? {
        guard !oids.isEmpty else { return [:] }
        let list = oids.map { String($0) }.joined(separator: ",")
        // The log carries no command ids; the catalog's rows do: a column's row that was written by the very command that
        // made the table, and says that the column is inherited, was never touched by an ATTACH or a DETACH.
        let rows = try bounded(seconds: 0) {
            try connection.query(
                """
                SELECT c.oid, pg_relation_size(c.oid, 'main') = 0,
                       pg_relation_size(c.oid, 'main') = 0 AND c.relfilenode = c.oid
                         AND (\(raw: connection.serverVersion >= 140_000 ? "c.reltuples = -1" : "false")
                              OR \(raw: connection.serverVersion >= 150_000 ? "age(c.relfrozenxid) >= age(s.xmin)" : "false")),
                       c.relfilenode IN (0, c.oid) AND EXISTS (
                         SELECT FROM pg_attribute u
                          WHERE u.attrelid = c.oid AND u.attnum > 0 AND u.xmin = s.xmin AND u.cmin = s.cmin
                            AND u.xmax = 0::text::xid AND s.xmax = 0::text::xid AND u.attinhcount = 1 AND NOT u.attislocal)
                  FROM pg_class c JOIN pg_attribute s ON s.attrelid = c.oid AND s.attnum = -1
                 WHERE c.oid = ANY ('{\(raw: list)}'::oid[])
                """)
        }
        guard let rows else { return nil }
        var details: [UInt32: PartDetail] = [:]
        for row in 0..<rows.count {
            guard let oid = rows[row, 0].flatMap({ UInt32($0) }) else { continue }
            details[oid] = PartDetail(
                isEmpty: rows[row, 1] == "t", wasAlwaysEmpty: rows[row, 2] == "t",
                wasMadeAsPartition: rows[row, 3] == "t"
            )
        }
        return details
    }

    /// Whether a part holds a row that meets a condition on its system columns; nil where that can't be read now. Through the
    /// captured table, which is all that the user may need to have rights on.
    func hasRow(_ part: UInt32, of table: TableSource, where condition: SQL, seconds: Int) throws -> Bool? {
        let rows = try bounded(seconds: seconds) {
            guard table.isPartitioned else {
                return try connection.query("SELECT EXISTS (SELECT FROM ONLY \(table.name) WHERE \(condition))")
            }
            let bounds = try connection.query("SELECT pg_get_partition_constraintdef(\(literal: String(part))::oid)")
            return try connection.query(
                """
                SELECT EXISTS (SELECT FROM \(table.name) WHERE tableoid = \(literal: String(part))::oid
                                  AND (\(raw: bounds[0, 0] ?? "true")) AND \(condition))
                """)
        }
        return rows.map { $0[0, 0] == "t" }
    }

    /// Waits for no lock: nil where it would have to. What takes longer is a transient error: at the start nothing has to go on
    /// meanwhile, and there is no bound (0).
    private func bounded(seconds: Int, _ question: () throws -> Rows) throws -> Rows? {
        try connection.execute(
            "BEGIN; SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = \(literal: "\(seconds)s")")
        do {
            let rows = try question()
            try connection.execute("COMMIT")
            return rows
        } catch let error as PostgresError {
            try? connection.execute("ROLLBACK")
            if error.sqlState == "55P03" { return nil }
            if error.sqlState == "57014" {
                throw RunError(
                    .transient, operation: "look for", object: "rows that the log lacks",
                    message: "it takes long: done again before the log is read on")
            }
            throw error
        }
    }
}

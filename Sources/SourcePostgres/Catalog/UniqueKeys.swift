import Connectors
import Postgres

/// What the source itself keeps unique in a table. A key without that lets rows through which a destination has one place for.
struct UniqueKeys {
    let connection: Connection

    /// Throws where two rows of the table could have the same of one of the keys. A key with columns that the table lacks is
    /// another's to judge.
    func require(_ keys: [CapturedTable.Key], of source: TableSource, _ shape: TableShape) throws {
        let keys = keys.filter { $0.columns.allSatisfy { shape.index(of: $0) != nil } }
        guard !keys.isEmpty else { return }
        let unique = try columns(of: source)
        for key in keys where !isUnique(key.columns, unique) {
            if source.isPartitioned, try isUniqueInPartitions(key.columns, source) { continue }
            throw RunError(
                .needsOperator, operation: "follow the key", object: "table \(source.name)",
                message:
                    "no unique index keeps the key (\(list(key.columns))) of collection \"\(key.collection)\" unique: "
                    + "rows that share one would overwrite each other (a DEFERRABLE one lets them within a transaction, and one "
                    + "under another collation than the column's may tell apart what the key doesn't)",
                hint: remedy(key.columns, unique, source), task: key.task, binding: key.binding)
        }
    }

    /// The columns of each unique index that holds for all rows.
    func columns(of source: TableSource) throws -> [[String]] {
        let rows = try connection.query(
            """
            SELECT \(raw: UniqueKeys.names) FROM pg_index i
             WHERE i.indrelid = \(literal: String(source.oid))::oid AND \(raw: UniqueKeys.condition)
             ORDER BY i.indisprimary DESC, i.indexrelid
            """)
        return (0..<rows.count).map { QuotedNames.split(rows[$0, 0] ?? "") }
    }

    /// Whether each partition keeps them unique in itself, and no two partitions can have the same: every partition key on
    /// the way to a leaf consists of columns of the key, as the server itself asks of a unique index of a root.
    private func isUniqueInPartitions(_ columns: [String], _ source: TableSource) throws -> Bool {
        guard try partitionColumns(source)?.isSubset(of: columns.map(Identifier.init)) == true else { return false }
        let rows = try connection.query(
            """
            SELECT t.relid, (SELECT \(raw: UniqueKeys.names)) FROM \(raw: PartitionTree.sql(of: "\(source.oid)::oid")) t
              LEFT JOIN pg_index i ON i.indrelid = t.relid AND \(raw: UniqueKeys.condition)
             WHERE t.isleaf
            """)
        var found: [String: Bool] = [:]
        for row in 0..<rows.count {
            let isCovered = rows[row, 1].map { isUnique(columns, [QuotedNames.split($0)]) } ?? false
            found[rows[row, 0] ?? "", default: false] = isCovered || found[rows[row, 0] ?? ""] == true
        }
        return !found.isEmpty && found.values.allSatisfy { $0 }
    }

    /// The columns that say in which partition a row is, at every level; nil where an expression does.
    private func partitionColumns(_ source: TableSource) throws -> Set<Identifier>? {
        let rows = try connection.query(
            """
            SELECT a.attname FROM \(raw: PartitionTree.sql(of: "\(source.oid)::oid")) t
              JOIN pg_partitioned_table p ON p.partrelid = t.relid
              CROSS JOIN unnest(p.partattrs::int2[]) AS k(attnum)
              LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attnum AND k.attnum > 0
            """)
        let names = (0..<rows.count).map { rows[$0, 0] }
        return names.contains(nil) ? nil : Set(names.compactMap(\.self).map(Identifier.init))
    }

    /// A key with more columns than a unique index is unique too.
    private func isUnique(_ columns: [String], _ unique: [[String]]) -> Bool {
        unique.contains { $0.nameSet.isSubset(of: columns.nameSet) }
    }

    private func remedy(_ columns: [String], _ unique: [[String]], _ source: TableSource) -> String {
        let names = columns.map { "\(Identifier($0))" }.joined(separator: ", ")
        let index = "CREATE UNIQUE INDEX ON \(source.name) (\(names));"
        guard let first = unique.first else { return "keep it unique at the source: \(index)" }
        let key = first.map { "/" + $0 }.joined(separator: ", ")
        return "give the collection the table's own key, key: [\(key)], or keep this one unique at the source: \(index)"
    }

    private func list(_ names: [String]) -> String { names.joined(separator: ", ") }

    private static let names = """
        (SELECT string_agg(quote_ident(a.attname), ',' ORDER BY k.place)
           FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE k.place <= i.indnkeyatts)
        """
    /// Of pg_index `i`: unique for every row at every moment, as the columns' own types and collations tell values apart. A DEFERRABLE
    /// one lets two rows share a key within a transaction, and one of another collation or operator class may keep apart what the
    /// column's own comparison, and so the destination's key, takes for one.
    static let condition = """
        i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
          SELECT FROM unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[])
                 WITH ORDINALITY AS e (attnum, class, coll, place)
            JOIN pg_attribute ea ON ea.attrelid = i.indrelid AND ea.attnum = e.attnum
            JOIN pg_opclass ec ON ec.oid = e.class
            LEFT JOIN pg_collation eo ON eo.oid = ea.attcollation
           WHERE e.place <= i.indnkeyatts
             AND (e.coll <> ea.attcollation AND (to_jsonb(eo) ->> 'collisdeterministic') = 'false'
                  OR NOT ec.opcdefault AND NOT EXISTS (
                    SELECT FROM pg_amop own
                      JOIN pg_opclass d ON d.opcdefault AND d.opcmethod = ec.opcmethod AND d.opcintype = ec.opcintype
                      JOIN pg_amop usual ON usual.amopfamily = d.opcfamily AND usual.amopopr = own.amopopr
                                        AND usual.amopstrategy = 3
                     WHERE own.amopfamily = ec.opcfamily AND own.amopstrategy = 3
                       AND own.amoplefttype = ec.opcintype AND own.amoprighttype = ec.opcintype)))
        """
}

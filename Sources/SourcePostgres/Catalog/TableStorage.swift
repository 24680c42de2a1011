import Postgres

/// Where a table's rows are kept, and which columns could have given the old ones values that the log doesn't have.
///
/// A column that is added with a constant default shows its value in the catalog (`attmissingval`), and the old rows at the
/// destination are filled with it. With a volatile default, or as an identity, the server writes every row anew and logs none of
/// them: the table has other files then.
struct TableStorage: Equatable {
    /// The files' numbers; changes with every rewrite. Of a partitioned table, those of its partitions.
    var files = ""
    /// The number of the last column.
    var lastColumn = 0
    /// By number: columns that have no value in the catalog for the rows that were there before. A default that gave them one may
    /// be gone by now.
    var unvalued: [Int: String] = [:]

    /// A column after `column` that the rows of other files than `files` can have values in; nil where all is known.
    func unknownColumn(since files: String, after column: Int) -> String? {
        guard files != self.files else { return nil }
        return unvalued.filter { $0.key > column }.min { $0.key < $1.key }?.value
    }

    /// By table. Generated columns that the log carries count among those that have no value in the catalog.
    static func read(_ tables: [TableSource], _ connection: Connection) throws -> [UInt32: TableStorage] {
        let rows = try connection.query(
            """
            SELECT c.oid,
                   CASE WHEN c.relkind = 'p' THEN (
                     SELECT md5(string_agg(t.relid || ':' || pg_relation_filenode(t.relid), ',' ORDER BY t.relid))
                       FROM \(raw: PartitionTree.sql(of: "c.oid")) t WHERE t.isleaf)
                   ELSE pg_relation_filenode(c.oid)::text END,
                   a.attnum, a.attname,
                   NOT a.atthasmissing AND \(LoggedColumns.condition(tables.first?.publisher))
                     AND NOT EXISTS (SELECT FROM \(raw: PartitionTree.sql(of: "c.oid")) t
                                       JOIN pg_attribute l ON l.attrelid = t.relid
                                      WHERE l.attname = a.attname AND l.atthasmissing)
              FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE c.oid = ANY (\(literal: ArrayText.of(tables.map(\.oid)))::oid[])
            """)
        var found: [UInt32: TableStorage] = [:]
        for row in 0..<rows.count {
            guard let oid = rows[row, 0].flatMap({ UInt32($0) }), let number = rows[row, 2].flatMap({ Int($0) }) else {
                continue
            }
            found[oid, default: TableStorage(files: rows[row, 1] ?? "")].lastColumn = max(
                number, found[oid]?.lastColumn ?? 0)
            if rows[row, 4] == "t" { found[oid]?.unvalued[number] = rows[row, 3] }
        }
        return found
    }
}

import Connectors
import Postgres

/// What the log's old rows carry of a partitioned table: that is for each partition's own replica identity to say, while
/// the server's messages speak of the root's. ALTER … REPLICA IDENTITY of the root leaves the partitions as they are, and a
/// new one begins with its primary key.
struct LeafIdentity {
    struct Leaf {
        var name: QualifiedName
        /// The columns of its old rows; nil for every one.
        var columns: Set<Identifier>?
    }

    var leaves: [Leaf] = []

    /// Columns that the old rows of all partitions carry; nil for every one.
    var columns: Set<Identifier>? {
        leaves.reduce(nil) { common, leaf in
            guard let columns = leaf.columns else { return common }
            return common?.intersection(columns) ?? columns
        }
    }

    func carries(_ column: String) -> Bool { columns?.contains(Identifier(column)) ?? true }

    /// Throws where old rows of a partition would lack one of the columns, which tell the table's rows apart.
    func require(_ needed: Set<Identifier>, of table: TableSource) throws {
        let lacking = leaves.filter { leaf in leaf.columns.map { !needed.isSubset(of: $0) } ?? false }
        guard let first = lacking.first, let columns = first.columns else { return }
        let absent = needed.subtracting(columns).map(\.name).sorted().joined(separator: ", ")
        let others = lacking.count == 1 ? "" : " (and \(lacking.count - 1) more partitions)"
        throw RunError(
            .needsOperator, operation: "follow", object: "table \(table.name)",
            message: "old rows of its partition \(first.name)\(others) lack what tells rows apart (\(absent)): updates "
                + "and deletes could not be followed",
            hint: lacking.map { "ALTER TABLE \($0.name) REPLICA IDENTITY FULL;" }.joined(separator: " ")
                + " Then have the table read again, where their rows were updated or deleted before",
            binding: table.binding)
    }

    static func read(_ root: UInt32, _ connection: Connection) throws -> LeafIdentity {
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname, c.relreplident = 'f',
                   (SELECT string_agg(quote_ident(a.attname), ',')
                      FROM pg_index i
                      CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
                      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                     WHERE i.indrelid = c.oid AND k.place <= i.indnkeyatts
                       AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END)
              FROM \(raw: PartitionTree.sql(of: "\(root)::oid")) t
              JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE t.isleaf AND c.relkind = 'r' ORDER BY 1, 2
            """)
        return LeafIdentity(
            leaves: (0..<rows.count).map { row in
                Leaf(
                    name: QualifiedName(rows[row, 0] ?? "", rows[row, 1] ?? ""),
                    columns: rows[row, 2] == "t"
                        ? nil : Set(QuotedNames.split(rows[row, 3] ?? "").map(Identifier.init)))
            })
    }
}

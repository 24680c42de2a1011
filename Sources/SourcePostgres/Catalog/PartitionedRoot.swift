import Connectors
import Postgres

/// A partitioned table that was bound where each partition is captured as a table of its own (`advanced.capture_as_partitions`): it has
/// no row, and the log names the partitions.
struct PartitionedRoot {
    let table: TableSource
    /// Its partitions that hold rows, in the order of their names.
    let leaves: [QualifiedName]

    init(_ table: TableSource, _ connection: Connection) throws {
        self.table = table
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname
              FROM \(raw: PartitionTree.sql(of: "'\(table.oid)'::oid")) t
              JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE t.isleaf AND c.relkind = 'r' ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
            """)
        leaves = (0..<rows.count).map { QualifiedName(rows[$0, 0] ?? "", rows[$0, 1] ?? "") }
    }

    var reason: String {
        "it is partitioned, and advanced.capture_as_partitions has each partition captured as a table of its own: the log "
            + "then names no change after it"
    }

    /// Names a few: there can be thousands.
    var remedy: String {
        let named = leaves.prefix(8).map { "\($0)" }.joined(separator: ", ")
        let rest = leaves.count > 8 ? " and \(leaves.count - 8) more" : ""
        return "bind its partitions instead" + (leaves.isEmpty ? ": it has none yet" : ": \(named)\(rest)")
            + "; or take advanced.capture_as_partitions out of the capture's config"
    }
}

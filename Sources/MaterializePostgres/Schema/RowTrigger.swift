import Postgres

/// A trigger that fires before each row that a session writes: its function can change the row, or drop it without a word.
struct RowTrigger: Equatable {
    var name: String
    /// The table, or the partition of it, that has the trigger.
    var table: QualifiedName
    var firesAtInsert: Bool
    var firesAtUpdate: Bool
    var firesAtDelete: Bool
    /// Whether it fires in sessions whose session_replication_role is `replica` too.
    var firesInReplica: Bool

    /// Of a table and all of its partitions, those that fire in sessions like this one (manual, "ALTER TABLE", "ENABLE
    /// TRIGGER"; pg_trigger.tgtype: 1 for each row, 2 before, 4 insert, 8 delete, 16 update).
    static func read(_ table: String, _ connection: Connection) throws -> [RowTrigger] {
        let rows = try connection.query(
            """
            WITH RECURSIVE tree AS (
              SELECT $1::oid AS oid
              UNION ALL SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
                          JOIN pg_class p ON p.oid = i.inhrelid AND p.relispartition)
            SELECT t.tgname, n.nspname, c.relname, t.tgtype & 4 <> 0, t.tgtype & 16 <> 0, t.tgtype & 8 <> 0,
                   t.tgenabled <> 'O'
              FROM tree JOIN pg_trigger t ON t.tgrelid = tree.oid JOIN pg_class c ON c.oid = tree.oid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE t.tgtype & 3 = 3 AND CASE WHEN current_setting('session_replication_role') = 'replica'
                                             THEN t.tgenabled IN ('R', 'A') ELSE t.tgenabled IN ('O', 'A') END
             ORDER BY tree.oid <> $1::oid, n.nspname, c.relname, t.tgname
            """, [table])
        return (0..<rows.count).map { row in
            RowTrigger(
                name: rows[row, 0] ?? "", table: QualifiedName(rows[row, 1] ?? "", rows[row, 2] ?? ""),
                firesAtInsert: rows[row, 3] == "t", firesAtUpdate: rows[row, 4] == "t",
                firesAtDelete: rows[row, 5] == "t", firesInReplica: rows[row, 6] == "t")
        }
    }
}

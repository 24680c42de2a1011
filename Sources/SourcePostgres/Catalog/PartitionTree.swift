/// A table with its partitions at all levels, as a FROM item: `relid` and `isleaf` of each.
///
/// What `pg_partition_tree` gives, which locks every partition and so waits for whoever alters one: the catalog is read instead, and
/// nobody is waited for. A table that has no partitions is its own leaf. One that is being detached concurrently is none any more.
enum PartitionTree {
    /// `root` is an SQL expression of the root's OID.
    static func sql(of root: String) -> String {
        """
        LATERAL (
          WITH RECURSIVE part (relid) AS (
            SELECT \(root)
            UNION ALL
            SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.relid
              JOIN pg_class ic ON ic.oid = i.inhrelid AND ic.relispartition
             WHERE (to_jsonb(i) ->> 'inhdetachpending') IS DISTINCT FROM 'true')
          SELECT part.relid, pc.relkind <> 'p' AS isleaf FROM part JOIN pg_class pc ON pc.oid = part.relid)
        """
    }
}

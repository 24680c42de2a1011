import Postgres

/// Which of a table's columns the log carries: ordinary ones, and from 18 on stored generated ones that the publication shows, by
/// its column list or `publish_generated_columns = stored`. Those are columns like others then: copied, streamed and stored as values.
/// Virtual ones are never published.
enum LoggedColumns {
    /// SQL: whether the log carries the column of `a`, a row of pg_attribute. A table that is not in the publication yet counts as
    /// it will be there. `publication`: nil where none shows generated columns. Read from where the publication is kept: the server's own
    /// functions for it open every published table (16 and later), and wait for whoever has one of them locked.
    static func condition(_ publication: String?) -> SQL {
        guard let publication else { return "a.attgenerated = ''" }
        return """
            (a.attgenerated = '' OR (a.attgenerated = 's' AND coalesce((
               SELECT coalesce((SELECT a.attnum = ANY (r.prattrs::int2[]) FROM pg_publication_rel r
                                 WHERE r.prpubid = p.oid AND r.prrelid = a.attrelid),
                               to_jsonb(p) ->> 'pubgencols' = 's')
                 FROM pg_publication p WHERE p.pubname = \(literal: publication)), false)))
            """
    }
}

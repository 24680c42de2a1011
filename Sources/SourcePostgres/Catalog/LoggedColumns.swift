import Postgres

/// Which of a table's columns the log carries: ordinary ones, and from 18 on stored generated ones that the publication shows, by
/// its column list or `publish_generated_columns = stored`. Those are columns like others then: copied, streamed and stored as values.
/// Virtual ones are never published.
enum LoggedColumns {
    /// SQL: whether the log carries the column of `a`, a row of pg_attribute. A table that is not in the publication yet counts as
    /// it will be there. `publication`: nil where none shows generated columns.
    static func condition(_ publication: String?) -> SQL {
        guard let publication else { return "a.attgenerated = ''" }
        return """
            (a.attgenerated = '' OR (a.attgenerated = 's' AND coalesce((
               SELECT coalesce(a.attnum = ANY (g.attrs::int2[]), to_jsonb(p) ->> 'pubgencols' = 's')
                 FROM pg_publication p
                 LEFT JOIN LATERAL (SELECT * FROM pg_get_publication_tables(p.pubname::text)) AS g ON g.relid = a.attrelid
                WHERE p.pubname = \(literal: publication)), false)))
            """
    }
}

import Connectors
import Postgres

/// The index by which rows of a table without a key are found: not unique, over a hash of the columns whose types have one.
///
/// Equal texts have equal hashes, which is all that it is for: what it finds is compared byte for byte. It costs eight bytes and
/// some more a row, and about what another index costs with each change; without it each set of changes reads the whole
/// table.
struct ContentIndex: Equatable {
    /// In the destination's order.
    var columns: [String]

    /// Types that the server hashes in the same way whatever their modifier: bool, bytea, "char", name, int8, int2, int4, text, oid,
    /// float4, float8, inet, bpchar, varchar, date, time, timestamp, timestamptz, interval, numeric, uuid, jsonb (pg_type.dat).
    private static let types: Set<UInt32> = [
        16, 17, 18, 19, 20, 21, 23, 25, 26, 700, 701, 869, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1700, 2950, 3802,
    ]

    /// Rows can be hashed as such from this version of the server on.
    static let oldestVersion = 140_000

    init(columns: [String]) {
        self.columns = columns
    }

    /// The index that a table of these columns gets, of those that are stored; nil where no type has a hash.
    init?(of columns: [(name: String, typeOID: UInt32)]) {
        self.columns = columns.filter { ContentIndex.types.contains($0.typeOID) }.map(\.name)
        if self.columns.isEmpty { return nil }
    }

    /// The hash of a row, for a table's alias; as the index has it.
    func expression(_ alias: String) -> String {
        "hash_record_extended(ROW(" + columns.map { "\(alias)\(Identifier($0).quoted)" }.joined(separator: ", ")
            + "), 0)"
    }

    func create(_ name: Identifier, on table: QualifiedName) -> String {
        "CREATE INDEX \(name) ON \(table) (\(expression("")))"
    }
}

extension TableInspection {
    /// The columns of an index that `ContentIndex` makes, whoever made it; nil where there is none.
    func contentIndex(_ oid: String) throws -> ContentIndex? {
        let rows = try connection.query(
            """
            SELECT c.names FROM pg_index i CROSS JOIN LATERAL (
              SELECT string_agg(quote_ident(a.attname), ',' ORDER BY a.attnum) AS names,
                     'hash_record_extended(ROW(' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                       || '), (0)::bigint)' AS expression
                FROM pg_depend d JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
               WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass
                 AND d.refobjid = i.indrelid AND d.refobjsubid > 0) AS c
             WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indpred IS NULL AND i.indnatts = 1
               AND pg_get_expr(i.indexprs, i.indrelid) = c.expression
             ORDER BY i.indexrelid LIMIT 1
            """, [oid])
        guard rows.count == 1, let names = rows[0, 0] else { return nil }
        return ContentIndex(columns: QuotedNames.split(names))
    }
}

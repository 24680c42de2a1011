import Connectors
import JSON
import Postgres

/// The generated columns of a table that the log leaves out (before PostgreSQL 18 all of them), so that a destination has to compute
/// them.
struct GeneratedColumns: Equatable, Sendable {
    /// Those whose value is the same wherever it is computed.
    var portable: [GeneratedColumn] = []
    /// The others, by name, with the reason.
    var left: [String: String] = [:]

    /// The portable ones whose columns are all there.
    func over(_ columns: [ColumnShape]) -> [GeneratedColumn] {
        let names = Set(columns.map(\.name))
        return portable.filter { names.isSuperset(of: $0.columns) }
    }

    /// A note of columns that came while the log is read.
    func note(newSince old: GeneratedColumns) -> String? {
        let known = Set(old.portable.map(\.name) + old.left.keys)
        let new = portable.filter { !known.contains($0.name) }
        let left = left.filter { !known.contains($0.key) }
        guard !new.isEmpty || !left.isEmpty else { return nil }
        let columns = new.map { column -> JSONValue in
            [.string(column.name), .array(column.columns.map { .string($0) })]
        }
        let note: JSONValue = [
            "generated": .array(columns),
            "left": .object(JSONObject(left.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
        ]
        return JSONWriter.write(note)
    }

    init() {}

    /// What such a note says, as far as `remarks` asks for it; nil for another note.
    init?(note: String) {
        guard note.first == "{", let value = try? JSONValue(parsing: note), let columns = value["generated"]?.arrayValue
        else { return nil }
        portable = columns.compactMap { column in
            guard let members = column.arrayValue, members.count == 2, let name = members[0].stringValue else {
                return nil
            }
            return GeneratedColumn(
                name: name, type: "", expression: "", columns: members[1].arrayValue?.compactMap(\.stringValue) ?? [],
                attribute: 0)
        }
        for member in value["left"]?.objectValue?.members ?? [] { left[member.key] = member.value.stringValue }
    }

    /// What is to be said of those that a destination table goes without.
    func remarks(_ binding: LinkBinding) -> [String] {
        var reasons = left.filter { binding.takes($0.key) }
        for column in portable where binding.takes(column.name) {
            reasons[column.name] = binding.obstacle(to: column)
        }
        return reasons.sorted { $0.key < $1.key }.map { name, reason in
            "the generated column \"\(name)\" is left out: the source's log does not have it, and it can't be computed here, "
                + "since \(reason)"
        }
    }

    /// What is portable: an expression of the server's own functions (others are not at the destination, or differ there) that no
    /// collation shapes: `lower(name)` depends on the database's locale, `first || ' ' || last` does not. (An expression
    /// is immutable by the server's own rule.)
    static func read(_ tables: [TableSource], _ connection: Connection) throws -> [UInt32: GeneratedColumns] {
        guard connection.serverVersion >= 120_000, !tables.isEmpty else { return [:] }
        let list = tables.map { String($0.oid) }.joined(separator: ",")
        let rows = try connection.query(
            """
            SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnum, a.attgenerated,
                   CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                        THEN quote_ident(ns.nspname) || '.' || quote_ident(co.collname) END,
                   pg_get_expr(d.adbin, d.adrelid),
                   (SELECT string_agg(DISTINCT quote_ident(b.attname), ',') FROM pg_depend x
                      JOIN pg_attribute b ON b.attrelid = x.refobjid AND b.attnum = x.refobjsubid
                     WHERE \(raw: GeneratedColumns.dependency) AND x.refclassid = 'pg_class'::regclass
                       AND x.refobjid = a.attrelid AND x.refobjsubid NOT IN (0, a.attnum)),
                   EXISTS (SELECT FROM pg_depend x
                            WHERE \(raw: GeneratedColumns.dependency) AND x.refclassid <> 'pg_class'::regclass),
                   EXISTS (SELECT FROM regexp_matches(d.adbin::text, '[{]([A-Z]+) ([^{}]*):inputcollid ([0-9]+)', 'g') AS m
                            WHERE m[3] NOT IN ('0', '950', '951')
                              AND NOT EXISTS (
                                SELECT FROM pg_proc f
                                 WHERE f.oid = (regexp_match(m[2], ':(?:op)?funcid ([0-9]+)'))[1]::oid
                                   AND f.pronamespace = 'pg_catalog'::regnamespace
                                   AND f.proname = ANY ('{\(raw: GeneratedColumns.bytewise.joined(separator: ","))}'))),
                   d.adbin::text LIKE '%COERCEVIAIO%' AND d.adbin::text ~* ':[a-z_]*type(id)? (\(raw: GeneratedColumns.printed))[ }]'
              FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
              JOIN pg_type t ON t.oid = a.atttypid
              LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace ns ON ns.oid = co.collnamespace
             WHERE a.attrelid = ANY ('{\(raw: list)}'::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
               AND NOT \(LoggedColumns.condition(tables.first?.publisher))
             ORDER BY a.attrelid, a.attnum
            """)
        var found: [UInt32: GeneratedColumns] = [:]
        for row in 0..<rows.count {
            guard let oid = rows[row, 0].flatMap({ UInt32($0) }), let name = rows[row, 1] else { continue }
            let reason: String? =
                if rows[row, 4] != "s" {
                    "it is virtual"
                } else if rows[row, 8] == "t" {
                    "it uses functions or types that are not the server's own"
                } else if rows[row, 9] == "t" {
                    "its value depends on a collation, which can be another one at the destination"
                } else if rows[row, 10] == "t" {
                    "its value depends on how a session prints numbers"
                } else { nil }
            if let reason {
                found[oid, default: GeneratedColumns()].left[name] = reason
                continue
            }
            found[oid, default: GeneratedColumns()].portable.append(
                GeneratedColumn(
                    name: name, type: rows[row, 2] ?? "", collation: rows[row, 5], expression: rows[row, 6] ?? "",
                    columns: QuotedNames.split(rows[row, 7] ?? ""),
                    attribute: rows[row, 3].flatMap { Int($0) } ?? 0))
        }
        return found
    }

    /// Up to PostgreSQL 14 the column depends on what its expression uses, since then the expression itself does.
    private static let dependency = """
        ((x.classid = 'pg_attrdef'::regclass AND x.objid = d.oid)
          OR (x.classid = 'pg_class'::regclass AND x.objid = a.attrelid AND x.objsubid = a.attnum))
        """

    /// Types of which a session's settings shape the text (`extra_float_digits`, `bytea_output`): bytea, float4, float8, point, lseg,
    /// path, box, polygon, line, circle, and arrays of them (pg_type.dat).
    private static let printed =
        "17|1001|700|1021|701|1022|600|1017|601|1018|602|1019|603|1020|604|1027|628|629|718|719"

    /// Functions that are given a collation and make nothing of it.
    private static let bytewise = [
        "textcat", "length", "char_length", "character_length", "octet_length", "md5", "substr", "substring", "left",
        "right", "replace", "btrim", "ltrim", "rtrim", "lpad", "rpad", "repeat", "reverse", "split_part", "encode",
        "date_part", "extract", "date_trunc", "timezone", "jsonb_object_field", "jsonb_object_field_text",
        "jsonb_array_element", "jsonb_array_element_text", "jsonb_extract_path", "jsonb_extract_path_text",
        "json_object_field", "json_object_field_text", "json_array_element", "json_array_element_text",
        "json_extract_path", "json_extract_path_text", "jsonb_exists",
    ]
}

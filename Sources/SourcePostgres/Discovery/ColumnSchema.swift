import JSON
import Postgres

/// The server's types, to find what is under domains and arrays.
struct TypeTable {
    /// A row of pg_type.
    struct Entry {
        var schema: String
        var name: String
        /// pg_type.typtype: b, c, d, e, p, r, m.
        var kind: Character
        var element: UInt32
        var base: UInt32
        var baseModifier: Int
        var isArray: Bool
        var hasExtension: Bool
    }

    private var entries: [UInt32: Entry] = [:]

    init(_ connection: Connection) throws {
        let rows = try connection.query(
            """
            SELECT t.oid, n.nspname, t.typname, t.typtype, t.typelem, t.typbasetype, t.typtypmod,
                   t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1,
                   EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid
                              AND d.deptype = 'e')
              FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
            """)
        for row in 0..<rows.count {
            guard let oid = rows[row, 0].flatMap({ UInt32($0) }) else { continue }
            entries[oid] = Entry(
                schema: rows[row, 1] ?? "", name: rows[row, 2] ?? "", kind: rows[row, 3]?.first ?? "b",
                element: rows[row, 4].flatMap { UInt32($0) } ?? 0, base: rows[row, 5].flatMap { UInt32($0) } ?? 0,
                baseModifier: rows[row, 6].flatMap { Int($0) } ?? -1, isArray: rows[row, 7] == "t",
                hasExtension: rows[row, 8] == "t")
        }
    }

    /// The type under domains, with the modifier that holds.
    func undomained(_ oid: UInt32, _ modifier: Int) -> (oid: UInt32, entry: Entry, modifier: Int)? {
        var oid = oid
        var modifier = modifier
        while let entry = entries[oid] {
            guard entry.kind == "d" else { return (oid, entry, modifier) }
            oid = entry.base
            modifier = entry.baseModifier
        }
        return nil
    }

    /// The qualified name of a type, in the column's or under it, that no destination can be given: made by a user, and
    /// neither enum, domain, composite nor part of an extension.
    func unmakeable(_ oid: UInt32) -> String? {
        guard let (found, entry, _) = undomained(oid, -1) else { return nil }
        if entry.isArray { return unmakeable(entry.element) }
        // The server's own types have OIDs below the first that a user's object gets (transam.h).
        guard found >= 16384, !entry.hasExtension, ["b", "r", "m"].contains(entry.kind) else { return nil }
        return "\(entry.schema).\(entry.name)"
    }
}

/// The JSON Schema of a column, by its type.
struct ColumnSchema {
    let types: TypeTable
    /// How documents hold `bytea`.
    var binary = BinaryHandling.bytes

    /// The column's schema with its description; `isKey`: as part of the collection's key.
    func schema(of column: FoundTable.Column, isKey: Bool) -> JSONValue {
        var object = value(column.typeOID, column.typeModifier, isNullable: !column.isNotNull, isKey: isKey)
        let source = "(source type: \(column.isNotNull ? "non-nullable " : "")\(column.type))"
        object["description"] = .string(column.comment.map { $0 + " " + source } ?? source)
        return .object(object)
    }

    /// Whether a key may name the column: JSON Schema gives it a scalar's type, or none.
    func isScalar(_ column: FoundTable.Column) -> Bool {
        guard types.undomained(column.typeOID, column.typeModifier)?.entry.isArray != true else { return false }
        return value(column.typeOID, column.typeModifier, isNullable: false, isKey: true)["type"] != nil
    }

    private func value(_ oid: UInt32, _ modifier: Int, isNullable: Bool, isKey: Bool) -> JSONObject {
        guard let (_, entry, modifier) = types.undomained(oid, modifier) else { return JSONObject() }
        if entry.isArray {
            let items = value(entry.element, modifier, isNullable: true, isKey: false)
            var object = typed(["array"], isNullable)
            object["items"] = .object(items)
            return object
        }
        switch entry.kind {
        case "e", "r", "m": return typed(["string"], isNullable)
        case "c": return JSONObject()
        default: break
        }
        if entry.name == "citext", entry.schema != "pg_catalog" { return typed(["string"], isNullable) }
        guard entry.schema == "pg_catalog" else { return JSONObject() }
        return builtIn(entry.name, modifier, isNullable, isKey)
    }

    private func builtIn(_ name: String, _ modifier: Int, _ isNullable: Bool, _ isKey: Bool) -> JSONObject {
        // The modifier of a character type is its length and the four bytes of a header.
        let length: JSONValue? = modifier >= 4 ? .int(modifier - 4) : nil
        switch name {
        case "bool": return typed(["boolean"], isNullable)
        case "int2", "int4", "int8", "oid": return typed(["integer"], isNullable)
        case "float4", "float8": return typed(isKey ? ["string"] : ["number", "string"], isNullable, format: "number")
        case "numeric": return typed(["string"], isNullable, format: "number")
        case "varchar": return typed(["string"], isNullable, ("maxLength", length))
        case "bpchar": return typed(["string"], isNullable, ("minLength", length), ("maxLength", length))
        case "bytea": return typed(["string"], isNullable, ("contentEncoding", binary.contentEncoding))
        case "json": return JSONObject([("contentMediaType", "application/json")])
        case "jsonb":
            return JSONObject([("contentMediaType", "application/vnd.estuary.postgresql.jsonb+json")])
        case "date": return typed(["string"], isNullable, format: "date")
        case "timestamp", "timestamptz": return typed(["string"], isNullable, format: "date-time")
        case "time", "timetz": return typed(["string"], isNullable, format: "time")
        case "uuid": return typed(["string"], isNullable, format: "uuid")
        case let name where ColumnSchema.texts.contains(name): return typed(["string"], isNullable)
        default: return JSONObject()
        }
    }

    /// Types that are plain text in a document.
    private static let texts: Set<String> = [
        "text", "money", "bit", "varbit", "jsonpath", "xml", "interval", "inet", "cidr", "macaddr", "macaddr8",
        "point", "line", "lseg", "box", "path", "polygon", "circle", "tsvector", "tsquery",
    ]

    private func typed(
        _ names: [String], _ isNullable: Bool, format: String? = nil, _ more: (String, JSONValue?)...
    ) -> JSONObject {
        let all = names + (isNullable ? ["null"] : [])
        var object = JSONObject()
        object["type"] = all.count == 1 ? .string(all[0]) : .array(all.map { .string($0) })
        if let format { object["format"] = .string(format) }
        for (name, value) in more { object[name] = value }
        return object
    }
}

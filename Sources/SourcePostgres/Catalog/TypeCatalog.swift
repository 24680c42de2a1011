import Connectors
import Postgres

/// Finds the user-defined types behind columns, so that a destination can make them.
struct TypeCatalog {
    let connection: Connection

    /// The types in an order in which they can be created. Built-in ones need nothing.
    func definitions(of oids: [UInt32]) throws -> [TypeDefinition] {
        var definitions: [TypeDefinition] = []
        var visited: Set<UInt32> = []
        for oid in oids { try visit(oid, &visited, &definitions) }
        return definitions
    }

    private func visit(_ oid: UInt32, _ visited: inout Set<UInt32>, _ definitions: inout [TypeDefinition]) throws {
        // The server's own types have OIDs below the first that a user's object gets (transam.h).
        guard oid >= 16384, visited.insert(oid).inserted else { return }
        let rows = try connection.query(
            """
            SELECT t.typtype, t.typelem, t.typbasetype, t.typrelid, n.nspname, t.typname, e.extname,
                   t.typcategory = 'A' AND t.typelem <> 0,
                   format_type(t.typbasetype, t.typtypmod), t.typnotnull,
                   (SELECT string_agg('CONSTRAINT ' || quote_ident(c.conname) || ' ' || pg_get_constraintdef(c.oid), ' '
                                      ORDER BY c.conname) FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c')
              FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
              LEFT JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
                    AND d.refclassid = 'pg_extension'::regclass
              LEFT JOIN pg_extension e ON e.oid = d.refobjid
             WHERE t.oid = \(literal: String(oid))::oid
            """)
        guard rows.count == 1 else { return }
        func number(_ column: Int) -> UInt32 { rows[0, column].flatMap { UInt32($0) } ?? 0 }
        let schema = rows[0, 4] ?? ""
        let name = rows[0, 5] ?? ""
        func add(_ kind: TypeDefinition.Kind) {
            definitions.append(TypeDefinition(schema: schema, name: name, kind: kind))
        }
        if rows[0, 7] == "t" {
            try visit(number(1), &visited, &definitions)
        } else if let name = rows[0, 6] {
            add(.extensionType(extension: name))
        } else {
            switch rows[0, 0] {
            case "e":
                add(.enumeration(labels: try labels(of: oid)))
            case "d":
                try visit(number(2), &visited, &definitions)
                let constraints = (rows[0, 9] == "t" ? " NOT NULL" : "") + (rows[0, 10].map { " " + $0 } ?? "")
                add(.domain(definition: (rows[0, 8] ?? "text") + constraints))
            case "c":
                add(.composite(attributes: try attributes(of: number(3), &visited, &definitions)))
            default:
                throw RunError(
                    .needsOperator, operation: "describe", object: "type \(schema).\(name)",
                    message: "types of this kind (a user-defined range or base type) can't be made at a destination",
                    hint: "leave the table out, or change the column's type at the source")
            }
        }
    }

    private func labels(of oid: UInt32) throws -> [String] {
        let rows = try connection.query(
            "SELECT enumlabel FROM pg_enum WHERE enumtypid = \(literal: String(oid))::oid ORDER BY enumsortorder")
        return (0..<rows.count).map { rows[$0, 0] ?? "" }
    }

    private func attributes(
        of relation: UInt32, _ visited: inout Set<UInt32>, _ definitions: inout [TypeDefinition]
    ) throws -> [TypeDefinition.Attribute] {
        let rows = try connection.query(
            """
            SELECT attname, format_type(atttypid, atttypmod), atttypid FROM pg_attribute
             WHERE attrelid = \(literal: String(relation))::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum
            """)
        var attributes: [TypeDefinition.Attribute] = []
        for row in 0..<rows.count {
            try visit(rows[row, 2].flatMap { UInt32($0) } ?? 0, &visited, &definitions)
            attributes.append(TypeDefinition.Attribute(name: rows[row, 0] ?? "", type: rows[row, 1] ?? ""))
        }
        return attributes
    }
}

import Connectors
import JSON
import Postgres

extension PostgresCapture: ComparableCapture {
    public func sourceName(of binding: LinkBinding) -> String {
        "\(tables[binding.table].namespace).\(tables[binding.table].stream)"
    }

    public func positionNow() throws -> LogPosition {
        try rethrowing("compare", "capture \"\(name)\"") {
            let connection = try Connection(config.connection)
            defer { connection.close() }
            return try SourcePosition(connection: connection, isStandby: try isStandby(connection)).behindAllSeen()
        }
    }

    public func comparedTable(_ binding: LinkBinding) throws -> ComparedTable {
        try rethrowing("compare", "capture \"\(name)\"") {
            let connection = try Connection(config.connection)
            defer { connection.close() }
            let source = try source(of: binding, connection)
            let shape = try TableCatalog(connection: connection).shape(of: source)
            let unique = try UniqueKeys(connection: connection).columns(of: source)
            let builtIn = shape.columns(named: binding.key).allSatisfy { $0.typeOID < HashedTable.firstUserOID }
            return ComparedTable(
                shape: shape, isOrdered: builtIn && unique.contains { $0.areSameNames(as: binding.key) },
                encoding: try SourceServer(connection).encoding ?? "", estimatedRows: source.estimatedRows)
        }
    }

    /// Looks into the slot while nobody reads from it, and moves nothing (manual, "Logical Decoding SQL Interface"). The
    /// server writes to its log for others too: a link that has stopped is behind that, and lacks nothing.
    public func remainder(after reached: LogPosition, upTo target: LogPosition) throws -> LogRemainder {
        guard reached < target else { return .nothing }
        guard target.bytes(since: reached) <= PostgresCapture.mostRemainder else { return .unknown }
        return try rethrowing("look into", "slot \"\(config.slot)\"") {
            let connection = try Connection(config.connection)
            defer { connection.close() }
            let slot = try connection.query(
                """
                SELECT active FROM pg_replication_slots WHERE slot_name = \(literal: config.slot)
                   AND plugin = 'pgoutput' AND database = current_database()
                   AND confirmed_flush_lsn <= \(literal: reached.description)::pg_lsn
                """)
            guard slot.count == 1, slot[0, 0] == "f" else { return .unknown }
            try connection.execute("SET statement_timeout = '20s'")
            do {
                return try hasChanges(after: reached, upTo: target, connection) ? .changes : .nothing
            } catch let error as PostgresError where !error.isConnectionLost {
                // Somebody has begun to read from it, or the publication is gone.
                return .unknown
            }
        }
    }

    /// How much of the log is looked through at most, in bytes.
    private static let mostRemainder: UInt64 = 1 << 28

    /// Inserts, updates, deletes and truncates of transactions whose end the link has not reached (manual, "Logical Replication
    /// Message Formats": a BEGIN has that place behind its first byte).
    private func hasChanges(after reached: LogPosition, upTo target: LogPosition, _ connection: Connection) throws
        -> Bool
    {
        let rows = try connection.query(
            """
            SELECT EXISTS (SELECT FROM (
                SELECT get_byte(data, 0) AS kind,
                       max(CASE WHEN get_byte(data, 0) = ascii('B') THEN encode(substring(data FROM 2 FOR 8), 'hex') END)
                         OVER (PARTITION BY xid::text) AS final
                  FROM pg_logical_slot_peek_binary_changes(
                         \(literal: config.slot), \(literal: target.description)::pg_lsn, NULL, 'proto_version', '1',
                         'publication_names', \(literal: Identifier(config.publication).quoted))) AS m
               WHERE kind IN (ascii('I'), ascii('U'), ascii('D'), ascii('T')) AND final >= \(literal: reached.hexadecimal))
            """)
        return rows[0, 0] != "f"
    }

    public func openRows(of binding: LinkBinding, _ plan: ComparisonPlan) throws -> any ComparedSourceRows {
        try rethrowing("compare", "capture \"\(name)\"") {
            let connection = try Connection(config.connection)
            let source = try source(of: binding, connection)
            let guarded = try RowSecurity.guarded([source], connection)
            if !guarded.isEmpty { try connection.execute("SET row_security = on") }
            try HashedRows.prepare(connection, isOrdered: plan.isOrdered)
            let types = try types(source.oid, connection)
            let columns = try plan.columns.map { try expression($0, connection) }
            let table = HashedTable(
                rows: source.rows, columns: columns,
                key: plan.key.map { place in
                    let name = plan.columns[place].source
                    let type = types[JSONKey(name)]
                    return HashedTable.Key(
                        place: place, column: "t.\(Identifier(name))", type: type?.name ?? "text",
                        operators: type?.operators ?? .builtIn)
                }, filter: nil, convertsText: plan.convertsText)
            return SourceRows(
                rows: HashedRows(table: table, connection: connection), oid: source.oid,
                isStandby: try isStandby(connection), capture: name, title: "table \(source.name)")
        }
    }

    private func source(of binding: LinkBinding, _ connection: Connection) throws -> TableSource {
        let table = tables[binding.table]
        let wanted = QualifiedName(table.namespace, table.stream)
        let catalog = TableCatalog(connection: connection, publication: config.publication)
        if let found = try catalog.table(wanted, index: binding.table) { return found }
        throw RunError(
            .needsOperator, operation: "find", object: "table \(wanted)",
            message: "no such table in database \(config.connection.database), or none that can be captured",
            hint: "check the binding's namespace and stream (case is significant)", task: name, binding: table.binding)
    }

    private func isStandby(_ connection: Connection) throws -> Bool {
        try connection.query("SELECT pg_is_in_recovery()")[0, 0] == "t"
    }

    /// The columns' types for constants, generated columns among them.
    private func types(
        _ oid: UInt32, _ connection: Connection
    ) throws -> [JSONKey: (name: String, operators: KeyOperators)] {
        let rows = try connection.query(
            """
            SELECT attname, format_type(atttypid, atttypmod), \(raw: KeyOperators.sql(ofType: "atttypid")) FROM pg_attribute
             WHERE attrelid = \(literal: String(oid))::oid AND attnum > 0 AND NOT attisdropped
            """)
        var types: [JSONKey: (name: String, operators: KeyOperators)] = [:]
        for row in 0..<rows.count {
            types[JSONKey(rows[row, 0] ?? "")] = (rows[row, 1] ?? "text", KeyOperators(rows[row, 2]))
        }
        return types
    }

    /// A column's text as the destination's type writes it; one that this server doesn't have takes the text as it is.
    private func expression(_ column: ComparisonPlan.Column, _ connection: Connection) throws -> String {
        let name = "t.\(Identifier(column.source))"
        guard let type = column.type else { return name }
        let isKnown = try connection.query("SELECT to_regtype(\(literal: type)) IS NOT NULL")[0, 0] == "t"
        // Not the cast to text, which is another text for some types: bool, bpchar, inet. Nor IS NULL, which holds for a row of
        // nulls too.
        return "(CASE WHEN \(name) IS NOT DISTINCT FROM NULL THEN NULL ELSE concat(\(name)) END)"
            + (isKnown ? "::\(type)" : "")
    }
}

extension LogPosition {
    /// Sixteen digits, as `encode(…, 'hex')` writes its bytes.
    fileprivate var hexadecimal: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension HashedTable {
    /// The first OID that an installation gives out (transam.h, FirstNormalObjectId).
    static let firstUserOID: UInt32 = 16384
}

import Connectors
import Postgres

/// Reads from the source what the log left out of a row that the destination lacks.
///
/// The row that its key has now, which may be another one by now: `FoundRow` says what proves that it is not. Nor does it have to
/// be on the source's disk: the log, which shows nothing else, proves it. Columns are asked for by their numbers, whatever they are called by now. Where changes after a moment never
/// come (`Limit`), what was read counts only if the source's clock had not passed that moment, or the row is still as the
/// transaction left it.
struct UnchangedFetch {
    /// A window's end, in microseconds since 2000-01-01 UTC, and the transaction that left the row.
    struct Limit {
        var notAfter: Int64
        var transaction: UInt32
    }

    let table: TableSource
    /// The row's, as the log has it.
    let shape: TableShape
    /// The collection's key.
    let key: [ColumnShape]
    let order: KeyOrder
    let limit: Limit?
    let isReadOnly: Bool

    private typealias KeyColumn = (index: Int, type: String, operators: KeyOperators)

    /// How often the table's columns may get other names between two questions.
    private static let tries = 10
    /// A column, an operator or a table that the server does not find, and a value that is none of the column's type.
    private static let mismatches: Set<String> = ["42703", "42883", "42P01", "22P02", "42846"]

    /// The row with its absent columns filled in; and those of them that the table no longer has, which are null.
    func run(_ row: Int32, in batch: ChangeBatch, on connection: Connection) throws -> (found: FoundRow, gone: [String])
    {
        let absent = shape.columns.indices.filter { batch.fields[Int(row) + $0].isUnchanged }
        let key = try keyColumns(connection)
        var names: [String?] = shape.columns.map(\.name)
        if absent.contains(where: { shape.columns[$0].attribute == nil }), let now = try namesNow(connection) {
            names = now
        }
        for _ in 0..<UnchangedFetch.tries {
            guard let result = try look(for: row, in: batch, absent, key, names, connection) else {
                guard let now = try namesNow(connection) else {
                    // The table was dropped.
                    return (FoundRow(row: nil, transaction: nil, until: try position(connection)), [])
                }
                names = now
                continue
            }
            guard result.count == 1 else {
                throw RunError(
                    .needsOperator, operation: "fetch a row", object: "table \(table.name)",
                    message: "several rows have the same key")
            }
            let transaction = result[0, 1].flatMap { UInt32($0) }
            try require(transaction, connection)
            let until = try result[0, result.columns - 1].flatMap { LogPosition($0) } ?? position(connection)
            guard transaction != nil else { return (FoundRow(row: nil, transaction: nil, until: until), []) }
            let asked = absent.filter { names[$0] != nil }
            let filled = ChangeBatch(byteCapacity: 1 << 12)
            for column in shape.columns.indices {
                if !batch.fields[Int(row) + column].isUnchanged {
                    filled.appendField(batch.fields[Int(row) + column], from: batch)
                } else if let place = asked.firstIndex(of: column), let text = result[0, place + 2] {
                    filled.appendText(text)
                } else {
                    filled.appendNull()
                }
            }
            let gone = absent.filter { names[$0] == nil }.map { shape.columns[$0].name }
            return (FoundRow(row: filled, transaction: transaction, until: until), gone)
        }
        throw RunError(
            .transient, operation: "fetch a row", object: "table \(table.name)",
            message: "its columns have other names each time")
    }

    /// By the collection's key, which is what the log's changes are followed by.
    private func keyColumns(_ connection: Connection) throws -> [KeyColumn] {
        let ordered = Set(order.names.map { Identifier($0) })
        if ordered == Set(key.map { Identifier($0.name) }) {
            return order.columns.map { ($0.index, $0.type, $0.operators) }
        }
        let operators = try KeyOperators.read(of: key.map(\.typeOID), on: connection)
        return try key.indices.map { place in
            guard let index = shape.index(of: key[place].name) else { throw keyIsGone }
            return (index, key[place].type, operators[place])
        }
    }

    /// One row: whether the table and its columns are what `names` says, who left the row, and the absent columns that have a
    /// name; the latter null where there is no row. Last the log's end, behind all that the statement sees, but on a standby. Nil
    /// where they are not. One statement: the table can't be altered within.
    private func look(
        for row: Int32, in batch: ChangeBatch, _ absent: [Int], _ key: [KeyColumn], _ names: [String?],
        _ connection: Connection
    ) throws -> Rows? {
        let asked = absent.filter { names[$0] != nil }
        var columns: [String] = ["xmin::text AS x"]
        // As the log has it: a cast to text takes the blanks from a char(n).
        for column in asked {
            let name = Identifier(names[column] ?? "").quoted
            columns.append("CASE WHEN num_nulls(\(name)) = 0 THEN format('%s', \(name)) END")
        }
        let tests = try key.map { column -> String in
            guard let name = names[column.index] else { throw keyIsGone }
            return "\(Identifier(name).quoted) \(column.operators.equal) "
                + "\(KeyComparison.literal(batch, row, column.index))::\(column.type)"
        }
        let named = Set(asked + key.map(\.index)).sorted()
        let numbers = named.map { String(shape.columns[$0].attribute ?? 0) }
        let oid = String(table.oid)
        let shown = ["r.x"] + asked.indices.map { "r.c\($0)" }
        let list = ["x"] + asked.indices.map { "c\($0)" }
        do {
            let result = try connection.query(
                """
                SELECT to_regclass(\(literal: table.name.quoted))::oid = \(literal: oid)::oid AND (
                         SELECT count(*) FROM unnest(\(literal: ArrayText.of(numbers))::int[],
                                                     \(literal: ArrayText.of(named.map { names[$0] ?? "" }))::text[])
                                AS n (number, name)
                           JOIN pg_attribute a ON a.attrelid = \(literal: oid)::oid AND a.attnum = n.number
                            AND a.attname = n.name AND NOT a.attisdropped) = \(raw: String(named.count)),
                       \(raw: shown.joined(separator: ", ")),
                       CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn() END
                  FROM (SELECT) AS o LEFT JOIN (
                       SELECT \(raw: columns.joined(separator: ", ")) FROM \(table.rows)
                        WHERE \(raw: tests.joined(separator: " AND "))) AS r (\(raw: list.joined(separator: ", "))) ON true
                """)
            return result.count > 0 && result[0, 0] == "t" ? result : nil
        } catch let error as PostgresError where error.sqlState.map(UnchangedFetch.mismatches.contains) == true {
            guard let now = try namesNow(connection) else { return nil }
            // Nothing has another name: it is not that.
            guard named.contains(where: { !isSame(now[$0], names[$0]) }) else { throw error }
            return nil
        }
    }

    private func isSame(_ left: String?, _ right: String?) -> Bool {
        left.map { Identifier($0) } == right.map { Identifier($0) }
    }

    /// What the row's columns are called by now; nil where the table was dropped. Throws where the table has another name.
    private func namesNow(_ connection: Connection) throws -> [String?]? {
        try TableWatch.require([table], connection)
        let rows = try connection.query(
            """
            SELECT a.attnum, a.attname, a.atttypid FROM pg_class c
              LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE c.oid = \(literal: String(table.oid))::oid
            """)
        guard rows.count > 0 else { return nil }
        var names: [Int: String] = [:]
        var types: [Int: UInt32] = [:]
        for row in 0..<rows.count {
            guard let number = rows[row, 0].flatMap({ Int($0) }) else { continue }
            names[number] = rows[row, 1]
            types[number] = rows[row, 2].flatMap { UInt32($0) }
        }
        try requireGone(types)
        return shape.columns.map { column in column.attribute.flatMap { names[$0] } }
    }

    /// A column of the log without a number was dropped, if the table has none of its type that may be the same: the log has
    /// the columns in the order of their numbers. Throws where it can't be told.
    private func requireGone(_ live: [Int: UInt32]) throws {
        let claimed = Set(shape.columns.compactMap(\.attribute))
        for (place, column) in shape.columns.enumerated() where column.attribute == nil {
            let least = shape.columns[..<place].compactMap(\.attribute).max() ?? 0
            let most = shape.columns[place...].compactMap(\.attribute).min() ?? Int.max
            let isDoubtful = live.contains { number, type in
                number > least && number < most && type == column.typeOID && !claimed.contains(number)
            }
            guard isDoubtful else { continue }
            throw RunError(
                .needsOperator, operation: "fetch a row", object: "table \(table.name)",
                message:
                    "an update left out a large value that the destination lacks, and which of the table's columns its "
                    + "\"\(column.name)\" is by now can't be told: columns were dropped, added and renamed since",
                hint: "name the table's columns as they were, or begin the destination anew")
        }
    }

    private func position(_ connection: Connection) throws -> LogPosition {
        try LogFlush(connection: connection, isReadOnly: isReadOnly).waitForNow()
    }

    private func require(_ transaction: UInt32?, _ connection: Connection) throws {
        guard let limit, transaction != limit.transaction, try SourceClock.now(connection) > limit.notAfter else {
            return
        }
        throw RunError(
            .needsOperator, operation: "follow", object: "table \(table.name)",
            message:
                "an update within notAfter leaves out a large value of a row that the destination never had, and "
                + "the source, past notAfter, may have another one by now",
            hint:
                "set notAfter to a time that is to come, or take it out; ALTER TABLE \(table.name) REPLICA IDENTITY "
                + "FULL keeps it from happening again")
    }

    private var keyIsGone: RunError {
        RunError(
            .needsOperator, operation: "fetch a row", object: "table \(table.name)",
            message:
                "an update left out a large value that the destination lacks, and the key's column is no longer there",
            hint: "have the table read again: raise `backfill` of its binding in the capture")
    }
}

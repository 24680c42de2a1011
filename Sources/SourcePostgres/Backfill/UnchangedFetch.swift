import Connectors
import Postgres

/// Reads from the source what the log left out of a row that enters the copied range.
///
/// The row as it is now: if it was changed again since, that change is still to come and brings the value it left. So it must
/// be on the source's disk. Where changes after a moment never come (`Limit`), what was read counts only if the source's
/// clock had not passed that moment, or the row is still as the transaction left it.
enum UnchangedFetch {
    /// A window's end, in microseconds since 2000-01-01 UTC, and the transaction that left the row.
    struct Limit {
        var notAfter: Int64
        var transaction: UInt32
    }

    /// The row with its absent columns filled in, as the first row of a batch; nil where the source has no such row now.
    static func run(
        _ row: Int32, in batch: ChangeBatch, shape: TableShape, of table: TableSource, order: KeyOrder,
        within limit: Limit? = nil, isReadOnly: Bool, on connection: Connection
    ) throws -> ChangeBatch? {
        let absent = shape.columns.indices.filter { batch.fields[Int(row) + $0].isUnchanged }
        var wanted = absent.map { Identifier(shape.columns[$0].name).quoted + "::text" }
        if limit != nil { wanted.append("xmin::text") }
        let columns = wanted.joined(separator: ", ")
        let key = order.columns.map { column in
            "\(Identifier(column.name).quoted) \(column.operators.equal) \(KeyComparison.literal(batch, row, column.index))::\(column.type)"
        }.joined(separator: " AND ")
        let result = try connection.query("SELECT \(raw: columns) FROM \(table.rows) WHERE \(raw: key)")
        if let limit, result.count != 1 || result[0, absent.count] != String(limit.transaction),
            try SourceClock.now(connection) > limit.notAfter
        {
            throw RunError(
                .needsOperator, operation: "follow", object: "table \(table.name)",
                message:
                    "an update within notAfter leaves out a large value of a row that the destination never had, and "
                    + "the source, past notAfter, may have another one by now",
                hint:
                    "set notAfter to a time that is to come, or take it out; ALTER TABLE \(table.name) REPLICA IDENTITY "
                    + "FULL keeps it from happening again")
        }
        guard result.count == 1 else { return nil }
        try LogFlush(connection: connection, isReadOnly: isReadOnly).waitForNow()
        let filled = ChangeBatch(byteCapacity: 1 << 12)
        for column in shape.columns.indices {
            guard let position = absent.firstIndex(of: column) else {
                filled.appendField(batch.fields[Int(row) + column], from: batch)
                continue
            }
            guard let text = result[0, position] else {
                filled.appendNull()
                continue
            }
            filled.appendText(text)
        }
        return filled
    }
}

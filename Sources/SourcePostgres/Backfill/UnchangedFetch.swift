import Connectors
import Postgres

/// Reads from the source what the log left out of a row that enters the copied range.
///
/// The row as it is now: if it was changed again since, that change is still to come and brings the value it left. So it must
/// be on the source's disk.
enum UnchangedFetch {
    /// The row with its absent columns filled in, as the first row of a batch; nil where the source has no such row now.
    static func run(
        _ row: Int32, in batch: ChangeBatch, shape: TableShape, of table: TableSource, order: KeyOrder,
        isReadOnly: Bool, on connection: Connection
    ) throws -> ChangeBatch? {
        let absent = shape.columns.indices.filter { batch.fields[Int(row) + $0].isUnchanged }
        let columns = absent.map { Identifier(shape.columns[$0].name).quoted + "::text" }.joined(separator: ", ")
        let key = order.columns.map { column in
            "\(Identifier(column.name).quoted) = \(KeyComparison.literal(batch, row, column.index))::\(column.type)"
        }.joined(separator: " AND ")
        let result = try connection.query("SELECT \(raw: columns) FROM \(table.rows) WHERE \(raw: key)")
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

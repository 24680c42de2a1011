import Connectors
import Postgres

/// Asks the server where keys are in its own order.
enum KeyComparison {
    /// For each row, by its first field: whether its key is at most each of the bounds.
    static func run(
        _ rows: [Int32], in batch: ChangeBatch, with bounds: [KeyBound], _ order: KeyOrder, on connection: Connection
    ) throws -> [Int32: [Bool]] {
        let arrays = order.columns.map { column in
            "ARRAY[" + rows.map { literal(batch, $0, column.index) }.joined(separator: ",") + "]::text[]"
        }
        let names = order.columns.indices.map { "k\($0)" }
        let key = zip(names, order.columns).map { name, column in
            "\(name)::\(column.type)" + (column.collation.map { " COLLATE \($0)" } ?? "")
        }
        let tests = bounds.map { bound -> String in
            let values = zip(order.columns, bound.values).map { "\(SQL.literal($1))::\($0.type)" }
            return "(\(key.joined(separator: ", "))) <= (\(values.joined(separator: ", ")))"
        }
        let text =
            "SELECT \(tests.joined(separator: ", ")) FROM unnest(\(arrays.joined(separator: ", ")))"
            + " WITH ORDINALITY AS u(\(names.joined(separator: ", ")), place) ORDER BY place"
        let result = try connection.query("\(raw: text)")
        var known: [Int32: [Bool]] = [:]
        for (index, row) in rows.enumerated() where index < result.count {
            known[row] = bounds.indices.map { result[index, $0] == "t" }
        }
        return known
    }

    static func literal(_ batch: ChangeBatch, _ row: Int32, _ column: Int) -> String {
        guard let value = batch.value(batch.fields[Int(row) + column]) else { return "NULL" }
        return SQL.literal(String(decoding: value, as: UTF8.self))
    }
}

/// Reads from the source what the log left out of a row that enters the copied range.
///
/// The row as it is now: if it was changed again since, that change is still to come and brings the value it left.
enum UnchangedFetch {
    /// The row with its absent columns filled in; nil where the row has none.
    static func run(
        _ row: Int32, in batch: ChangeBatch, shape: TableShape, of table: TableSource, order: KeyOrder,
        on connection: Connection
    ) throws -> ChangeBatch? {
        let absent = shape.columns.indices.filter { batch.fields[Int(row) + $0].isUnchanged }
        guard !absent.isEmpty else { return nil }
        let columns = absent.map { Identifier(shape.columns[$0].name).quoted + "::text" }.joined(separator: ", ")
        let key = order.columns.map { column in
            "\(Identifier(column.name).quoted) = \(KeyComparison.literal(batch, row, column.index))::\(column.type)"
        }.joined(separator: " AND ")
        let result = try connection.query("SELECT \(raw: columns) FROM \(table.name) WHERE \(raw: key)")
        guard result.count == 1 else {
            throw RunError(
                .needsOperator, operation: "fetch an unchanged value", object: "table \(table.name)",
                message: "a row moved into the part that was copied, with a large value that the log left out, and is "
                    + "gone by now: its value can't be known",
                hint: "drop the destination table and its row in flow.bindings, so that it is read again")
        }
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
            ContiguousArray(text.utf8).withUnsafeBufferPointer { value in
                if let start = value.baseAddress {
                    filled.appendValue(start, count: value.count)
                } else {
                    filled.appendEmpty()
                }
            }
        }
        return filled
    }
}

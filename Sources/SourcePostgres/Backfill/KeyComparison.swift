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

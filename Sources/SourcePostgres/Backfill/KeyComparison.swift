import Connectors
import Postgres

/// Asks the server where keys are in its own order.
enum KeyComparison {
    /// For each row, by its first field: whether its key is at most each of the bounds.
    static func run(
        _ rows: [Int32], in batch: ChangeBatch, with bounds: [KeyBound], _ order: KeyOrder, on connection: Connection
    ) throws -> [Int32: [Bool]] {
        let list = KeyList(types: order.columns.map(\.type))
        let keys = rows.map { row in order.columns.map { value(batch, row, $0.index) } }
        let key = order.columns.enumerated().map { place, column in
            KeyList.name(place) + (column.collation.map { " COLLATE \($0)" } ?? "")
        }
        let tests = bounds.map { bound -> String in
            KeyPlace(
                order.columns.indices.map { index in
                    let column = order.columns[index]
                    return .init(key[index], "\(SQL.literal(bound.values[index]))::\(column.type)", column.operators)
                }
            ).isAtMost
        }
        let text = "SELECT \(tests.joined(separator: ", ")) FROM \(list.sql(keys, as: "u")) ORDER BY n"
        let result = try connection.query("\(raw: text)")
        var known: [Int32: [Bool]] = [:]
        for (index, row) in rows.enumerated() where index < result.count {
            known[row] = bounds.indices.map { result[index, $0] == "t" }
        }
        return known
    }

    static func literal(_ batch: ChangeBatch, _ row: Int32, _ column: Int) -> String {
        value(batch, row, column).map(SQL.literal) ?? "NULL"
    }

    private static func value(_ batch: ChangeBatch, _ row: Int32, _ column: Int) -> String? {
        batch.value(batch.fields[Int(row) + column]).map { String(decoding: $0, as: UTF8.self) }
    }
}

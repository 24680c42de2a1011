import Connectors
import Postgres

/// How far the destination's rows of a table have been compared with the source's, to find those that it no longer has.
///
/// A table that is read again has rows at the destination which no chunk says anything about. After the chunks, the
/// destination's keys are read in the destination's own order, a run at a time, and the source is asked which of them it
/// does not have. Nothing depends on both ends sorting alike.
///
/// Invariant: a row is removed only where the source had none in a snapshot, and no change of the log up to the place that
/// the source had after it was about the row since the run was opened. So the row was absent at the link's own position too.
struct KeySweep: Equatable, Sendable {
    /// Keys up to this one, as the destination prints them, are done with; nil before the first run.
    var after: [String]?
}

/// The questions about keys which a sweep asks the source.
struct KeyPresence {
    /// What a SELECT reads (`TableSource.rows`).
    let table: SQL
    /// The collection's key, by the source's columns.
    let columns: [ColumnShape]
    let connection: Connection

    /// Those of the keys that the table has no row of in the open transaction's snapshot, as the source prints them.
    func absent(of keys: [[String]]) throws -> [[String]] {
        guard !keys.isEmpty else { return [] }
        let operators = try KeyOperators.read(of: columns.map(\.typeOID), on: connection)
        let matches = columns.indices.map {
            "t.\(Identifier(columns[$0].name)) \(operators[$0].equal) u.\(KeyList.name($0))"
        }
        // Each key is looked up by the table's index: the run is short, the table may be long.
        try connection.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        let rows = try connection.query(
            """
            SELECT \(raw: shown) FROM \(raw: list.sql(keys, as: "u"))
             WHERE NOT EXISTS (SELECT FROM \(table) t WHERE \(raw: matches.joined(separator: " AND "))) ORDER BY u.n
            """)
        return texts(rows)
    }

    /// Those of the keys that are equal to none of the others, by the columns' own types and collations.
    func without(_ others: [[String]], of keys: [[String]]) throws -> [[String]] {
        let operators = try KeyOperators.read(of: columns.map(\.typeOID), on: connection)
        let matches = columns.indices.map { index -> String in
            let collation = columns[index].collation.map { " COLLATE \($0)" } ?? ""
            return "u.\(KeyList.name(index))\(collation) \(operators[index].equal) o.\(KeyList.name(index))\(collation)"
        }
        let rows = try connection.query(
            """
            SELECT \(raw: shown) FROM \(raw: list.sql(keys, as: "u"))
             WHERE NOT EXISTS (SELECT FROM \(raw: list.sql(others, as: "o")) WHERE \(raw: matches.joined(separator: " AND ")))
             ORDER BY u.n
            """)
        return texts(rows)
    }

    private var list: KeyList { KeyList(types: columns.map(\.type)) }
    private var shown: String { columns.indices.map { "u.\(KeyList.name($0))::text" }.joined(separator: ", ") }

    private func texts(_ rows: Rows) -> [[String]] {
        (0..<rows.count).map { row in columns.indices.map { rows[row, $0] ?? "" } }
    }
}

import Connectors
import Postgres

/// The SQL of a chunk: its key's columns, and the range as row comparisons that the key's index serves.
extension TableChunk {
    /// Under other names than the columns': ORDER BY would take the text for the column.
    var selectKey: String {
        order.columns.enumerated().map { "\(Identifier($1.name).quoted)::text AS \(Identifier("key \($0)").quoted)" }
            .joined(separator: ", ")
    }

    var orderBy: String {
        order.columns.map { Identifier($0.name).quoted }.joined(separator: ", ")
    }

    var lowerCondition: String {
        // What is NULL comes last: the end of the table is found without it.
        let terms = (lower.map { [place(of: $0).isAbove] } ?? []) + filterTerms
        return terms.isEmpty ? "" : "WHERE " + terms.joined(separator: " AND ")
    }

    /// The rows of the chunk, once its upper bound is known.
    var condition: String {
        var terms: [String] = []
        if let lower {
            let isBeyond = place(of: lower).isAbove
            terms.append(isLast ? "(\(isBeyond)\(orNull))" : isBeyond)
        }
        if let upper, !isLast { terms.append(place(of: upper).isAtMost) }
        terms += filterTerms
        return terms.isEmpty ? "" : "WHERE " + terms.joined(separator: " AND ")
    }

    /// Rows without a value, which a comparison would leave out; keys have one.
    private var orNull: String {
        order.isByColumn ? order.columns.map { " OR \(Identifier($0.name).quoted) IS NULL" }.joined() : ""
    }

    /// On lines of its own: it may end in a comment.
    private var filterTerms: [String] { filter.map { ["(\n\($0)\n)"] } ?? [] }

    /// In the columns' own types and collations.
    private func place(of bound: KeyBound) -> KeyPlace {
        KeyPlace(
            zip(order.columns, bound.values).map { column, value in
                .init(Identifier(column.name).quoted, "\(SQL.literal(value))::\(column.type)", column.operators)
            })
    }
}

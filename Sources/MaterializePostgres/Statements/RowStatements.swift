import Connectors
import Postgres

/// The statements that store one change of an upsert table each, for a plan. Parameters are text of the column's own type.
struct RowStatements {
    let plan: StorePlan

    /// A statement with its parameters' types, and which fields they are.
    struct Prepared {
        var sql: SQL
        var types: [UInt32]
    }

    private var columns: [StorePlan.Column] { plan.columns }
    private var keepsOperation: Bool { plan.binding.keepsOperation }

    private var keyList: String { plan.key.map { columns[$0].name.quoted }.joined(separator: ", ") }

    /// `now()` for the publishing time where the table keeps one.
    var publishing: [String] {
        plan.binding.keepsPublishingTime
            ? ["\(Identifier(MetadataColumn.publishedAt.name).quoted) = now()"] : []
    }

    static let operation = Identifier(MetadataColumn.operation.name)

    /// Parameters: every column in order, then the operation where the table keeps it.
    var upsert: Prepared {
        var names = columns.map(\.name.quoted)
        var types = columns.map(\.destination.typeOID)
        if keepsOperation {
            names.append(RowStatements.operation.quoted)
            types.append(MetadataColumn.operation.typeOID)
        }
        let values = names.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        return Prepared(
            sql: """
                INSERT INTO \(plan.target) (\(raw: names.joined(separator: ", "))) OVERRIDING SYSTEM VALUE
                VALUES (\(raw: values)) ON CONFLICT (\(raw: keyList)) \(raw: onConflict)
                """, types: types)
    }

    /// What happens to a row that is there: the action of `ON CONFLICT`.
    var onConflict: String { onConflict(assigning: []) }

    /// With other columns' assignments besides.
    func onConflict(assigning others: [String]) -> String {
        var assignments = others + columns.filter(\.isAssigned).map { "\($0.name) = EXCLUDED.\($0.name)" }
        if keepsOperation { assignments.append("\(RowStatements.operation) = EXCLUDED.\(RowStatements.operation)") }
        assignments += publishing
        return assignments.isEmpty ? "DO NOTHING" : "DO UPDATE SET \(assignments.joined(separator: ", "))"
    }

    /// An update that leaves the columns of a mask alone. Parameters: the key, the columns that are not left alone and no
    /// part of the key, then the operation where the table keeps it.
    func update(leaving mask: UInt64) -> Prepared {
        var types = keyTypes
        var assignments = columns.filter { $0.isKey && $0.isAssigned }.map { column in
            "\(column.name) = $\(keyParameter(column))"
        }
        for place in updated(leaving: mask) {
            types.append(columns[place].destination.typeOID)
            assignments.append("\(columns[place].name) = $\(types.count)")
        }
        if keepsOperation {
            types.append(MetadataColumn.operation.typeOID)
            assignments.append("\(RowStatements.operation) = $\(types.count)")
        }
        assignments += publishing
        if assignments.isEmpty, let first = plan.key.first {
            let name = columns[first].name
            assignments = ["\(name) = \(name)"]
        }
        return Prepared(
            sql: "UPDATE \(plan.target) SET \(raw: assignments.joined(separator: ", ")) WHERE \(raw: keyIsParameters)",
            types: types)
    }

    /// Places of the columns that `update(leaving:)` takes after the key.
    func updated(leaving mask: UInt64) -> [Int] {
        columns.indices.filter { place in
            guard !columns[place].isKey, !columns[place].destination.isAlwaysIdentity else { return false }
            let bit = plan.bits[place]
            return bit < 0 || mask & (1 << UInt64(bit)) == 0
        }
    }

    /// Parameters: the key.
    var delete: Prepared {
        Prepared(sql: "DELETE FROM \(plan.target) WHERE \(raw: keyIsParameters)", types: keyTypes)
    }

    /// Marks a row as deleted and leaves its values. Parameters: the key.
    var flag: Prepared {
        let assignments = ["\(RowStatements.operation) = 'd'"] + publishing
        return Prepared(
            sql: "UPDATE \(plan.target) SET \(raw: assignments.joined(separator: ", ")) WHERE \(raw: keyIsParameters)",
            types: keyTypes)
    }

    private var keyTypes: [UInt32] { plan.key.map { columns[$0].destination.typeOID } }

    private var keyIsParameters: String {
        plan.key.enumerated().map { number, place in
            "\(columns[place].name) \(columns[place].destination.operators.equal) $\(number + 1)"
        }.joined(separator: " AND ")
    }

    private func keyParameter(_ column: StorePlan.Column) -> Int {
        (plan.key.firstIndex { columns[$0].source == column.source } ?? 0) + 1
    }
}

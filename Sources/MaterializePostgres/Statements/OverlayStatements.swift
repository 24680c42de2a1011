import Connectors
import Postgres

/// The statements that put the rows of a chunk in the place of those that an upsert table has, for a plan.
///
/// Rows that are the same byte for byte are left as they are: a table that is read again and found equal is not written.
struct OverlayStatements {
    let plan: StorePlan

    private var rows: RowStatements { RowStatements(plan: plan) }

    /// Where the rows wait, of this session alone: until the merge nothing of the target is locked.
    static let stage = QualifiedName("pg_temp", "flow_overlay")

    /// Made anew for each chunk; the transaction's end removes it.
    var create: SQL {
        let definitions = plan.columns.map { column in
            let collation = column.destination.collation.map { " COLLATE \($0)" } ?? ""
            return "\(column.name) \(column.destination.type)\(collation)"
        }
        let name = OverlayStatements.stage.name
        return "CREATE TEMP TABLE \(name) (\(raw: definitions.joined(separator: ", "))) ON COMMIT DROP"
    }

    /// Rows with no row of their key are inserted, with the operation of one that was read; others are updated where they
    /// differ, or a soft delete has marked them.
    var merge: SQL {
        let assigned = plan.columns.filter(\.isAssigned).map(\.name)
        var assignments = assigned.map { "\($0) = EXCLUDED.\($0)" }
        var differs: [String] = []
        if !assigned.isEmpty {
            let there = assigned.map { "t.\($0)" }.joined(separator: ", ")
            let here = assigned.map { "EXCLUDED.\($0)" }.joined(separator: ", ")
            differs.append("ROW(\(there))::record *<> ROW(\(here))::record")
        }
        if plan.binding.keepsOperation {
            assignments.append("\(RowStatements.operation) = 'r'")
            differs.append("t.\(RowStatements.operation) = 'd'")
        }
        assignments += rows.publishing
        let key = plan.key.map { plan.columns[$0].name.quoted }.joined(separator: ", ")
        let action =
            differs.isEmpty
            ? "NOTHING"
            : "UPDATE SET \(assignments.joined(separator: ", ")) WHERE \(differs.joined(separator: " OR "))"
        return """
            INSERT INTO \(plan.target) AS t (\(raw: plan.columnList)) OVERRIDING SYSTEM VALUE
            SELECT \(raw: plan.columnList) FROM \(OverlayStatements.stage)
            ON CONFLICT (\(raw: key)) DO \(raw: action)
            """
    }
}

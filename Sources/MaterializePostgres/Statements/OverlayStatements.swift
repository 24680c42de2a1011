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
        var definitions = plan.columns.map { column in
            let collation = column.destination.collation.map { " COLLATE \($0)" } ?? ""
            return "\(column.name) \(column.destination.type)\(collation)"
        }
        definitions += plan.binding.metadataColumns.map {
            "\(Identifier($0.name)) \($0.definition(in: plan.binding.mode))"
        }
        let name = OverlayStatements.stage.name
        return "CREATE TEMP TABLE \(name) (\(raw: definitions.joined(separator: ", "))) ON COMMIT DROP"
    }

    /// Rows with no row of their key are inserted, with the operation of one that was read; others are updated where they
    /// differ, or a soft delete has marked them.
    var merge: SQL { merge(isChanged: false) }

    /// The same of rows that have changes on top: each with the operation of its last change.
    var bring: SQL { merge(isChanged: true) }

    private func merge(isChanged: Bool) -> SQL {
        let operation = RowStatements.operation
        let assigned = plan.columns.filter(\.isAssigned).map(\.name)
        var assignments = assigned.map { "\($0) = EXCLUDED.\($0)" }
        var differs: [String] = []
        if !assigned.isEmpty {
            let there = assigned.map { "t.\($0)" }.joined(separator: ", ")
            let here = assigned.map { "EXCLUDED.\($0)" }.joined(separator: ", ")
            differs.append("ROW(\(there))::record *<> ROW(\(here))::record")
        }
        if plan.binding.keepsOperation {
            assignments.append("\(operation) = " + (isChanged ? "EXCLUDED.\(operation)" : "'r'"))
            differs.append("t.\(operation) = 'd'" + (isChanged ? " OR EXCLUDED.\(operation) <> 'r'" : ""))
        }
        assignments += rows.publishing
        let key = plan.key.map { plan.columns[$0].name.quoted }.joined(separator: ", ")
        let action =
            differs.isEmpty
            ? "NOTHING"
            : "UPDATE SET \(assignments.joined(separator: ", ")) WHERE \(differs.joined(separator: " OR "))"
        return """
            INSERT INTO \(plan.target) AS t (\(raw: list(isChanged))) OVERRIDING SYSTEM VALUE
            SELECT \(raw: list(isChanged)) FROM \(OverlayStatements.stage)
            ON CONFLICT (\(raw: key)) DO \(raw: action)
            """
    }

    private func list(_ isChanged: Bool) -> String {
        plan.columnList + (isChanged && plan.binding.keepsOperation ? ", \(RowStatements.operation)" : "")
    }

    /// Brings the rows into a target that has none of them, and no key yet.
    var insert: SQL {
        """
        INSERT INTO \(plan.target) (\(raw: list(true))) OVERRIDING SYSTEM VALUE
        SELECT \(raw: list(true)) FROM \(OverlayStatements.stage)
        """
    }

    /// Takes out the target's rows that are to be written anew.
    var clear: SQL {
        let same = plan.key.map { place in
            let column = plan.columns[place]
            return "t.\(column.name) \(column.destination.operators.equal) s.\(column.name)"
        }
        let here = plan.columns.map { "s.\($0.name)" }.joined(separator: ", ")
        let there = plan.columns.map { "t.\($0.name)" }.joined(separator: ", ")
        return """
            DELETE FROM \(plan.target) AS t USING \(OverlayStatements.stage) AS s
             WHERE \(raw: same.joined(separator: " AND ")) AND ROW(\(raw: there))::record *<> ROW(\(raw: here))::record
            """
    }
}

import Connectors
import Postgres

/// Brings a destination table from one shape to another in the open transaction of a connection.
struct TableEvolution {
    let connection: Connection
    let binding: LinkBinding
    let scope: ErrorScope
    let mayChange: Bool

    /// What was done: the SQL that ran, and the table as it is now.
    struct Outcome {
        var statements: [String]
        var layout: BoundTable.Layout
    }

    /// Enums must have grown before (`EnumLabels.extend`).
    func run(from layout: BoundTable.Layout, to shape: TableShape) throws -> Outcome {
        let name = QualifiedName(binding.schema, binding.name)
        let start = EvolutionPlan.Start(
            shape: layout.shape, retired: layout.retired, table: try table(name, prepared: layout.shape))
        let plan: EvolutionPlan
        do {
            plan = try EvolutionPlan(from: start, to: shape, binding: binding)
        } catch {
            throw scope.error(.needsOperator, error.message, hint: error.hint)
        }
        let statements = TableDefinition(binding: binding, shape: shape).evolve(plan.steps)
        if !mayChange, let first = statements.first { throw refused(plan.steps, first) }
        let types = try TypeProvision(connection: connection, scope: scope, mayChange: mayChange).provide(shape.types)
        for statement in statements { try scope.rethrowing { try connection.execute("\(raw: statement)") } }
        var changed = layout
        changed.shape = shape
        changed.pending = nil
        changed.retired = plan.retired
        changed.table = try table(name, prepared: shape)
        changed.generation += 1
        return Outcome(statements: types + statements, layout: changed)
    }

    private func table(_ name: QualifiedName, prepared shape: TableShape) throws -> DestinationTable {
        let found = try scope.rethrowing { try TableInspection(connection: connection).find(name) }
        guard case .table(let table) = found else {
            throw scope.error(
                .needsOperator, "the destination table is gone",
                hint: "have it read again: delete its row in flow.bindings, then apply")
        }
        for column in shape.columns where binding.takes(column.name) {
            guard table.column(column.name)?.isGenerated != true else {
                throw scope.error(
                    .needsOperator, "the destination computes the column \"\(column.name)\" by itself",
                    hint: "exclude the field, or make it an ordinary column")
            }
        }
        return table
    }

    private func refused(_ steps: [EvolutionPlan.Step], _ statement: String) -> RunError {
        let message =
            switch steps.first {
            case .addColumn(let column, _): "the destination table has no column \"\(column.name)\""
            case .rename(let column, let new): "the source's column \"\(column)\" is named \"\(new)\" now"
            case .dropNotNull(let column): "the destination's column \"\(column)\" is NOT NULL, the source's is not"
            case .alterType(let column, let type): "the source's column \"\(column)\" is \(type) now"
            case nil: "the table must be changed"
            }
        return scope.error(.needsOperator, message + ", and schemaEvolution is none", hint: "run: \(statement)")
    }
}

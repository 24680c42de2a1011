import Connectors
import Postgres

/// Brings a destination table from one shape to another in the open transaction of a connection.
struct TableEvolution {
    let connection: Connection
    let binding: LinkBinding
    let scope: ErrorScope
    let mayChange: Bool
    let provisioning: Provisioning
    /// When the run would do it.
    var moment = PlannedChange.Moment.start
    /// Whether the shape is one that the log shows, which is not the source's last one necessarily. Where the table can't take it, that
    /// says nothing of the shape of now: the table is read again over what is there, in that one. Should it not take that one
    /// either, it says so as it is attached.
    var followsLog = false

    /// What was done: the SQL that ran, and the table as it is now.
    struct Outcome {
        var statements: [String]
        var layout: BoundTable.Layout
    }

    /// Enums must have grown before (`EnumLabels.extend`).
    func run(from layout: BoundTable.Layout, to shape: TableShape) throws -> Outcome {
        let name = QualifiedName(binding.schema, binding.name)
        let start = EvolutionPlan.Start(
            shape: layout.shape, retired: layout.retired, highest: max(layout.highest, layout.shape.highest),
            table: try table(name, prepared: layout.shape))
        let plan: EvolutionPlan
        do {
            plan = try EvolutionPlan(from: start, to: shape, binding: binding)
        } catch {
            var told = scope.error(.needsOperator, error.message, hint: hint(error.remedy))
            if case .readAgain(let columns) = error.remedy { told.incompatibility = .init(dropping: columns) }
            if followsLog, binding.isMendedByReading { told.gap = LogGap(.rows, error.message) }
            throw told
        }
        // Named as it will be, so that everybody who asks is told the same.
        _ = try DestinationKey.decide(start.table.after(plan.steps), binding, scope)
        try start.table.requireFree(plan.freed, binding, scope)
        let statements = TableDefinition(binding: binding, shape: shape).evolve(plan.steps)
        if !mayChange, !statements.isEmpty { throw refused(plan.steps, shape, statements) }
        if !provisioning.isPlan, !start.table.isOwned, let refusal = TableOwnership.refusal(of: statements, scope) {
            throw refusal
        }
        let types = try TypeProvision(
            connection: connection, scope: scope, mayChange: mayChange, provisioning: provisioning
        ).provide(shape.types)
        for statement in statements {
            let change = PlannedChange(
                .change, "table \(name)", sql: statement, lock: .init("ACCESS EXCLUSIVE", ["\(name)"]),
                binding: binding.index, moment: moment, remark: TableEvolution.remark(plan.steps, statement),
                needsOwner: true)
            try scope.rethrowing { try provisioning.take(change) }
        }
        var changed = layout
        changed.shape = TableEvolution.numbered(shape, by: layout.shape)
        changed.highest = max(start.highest, shape.highest)
        changed.pending = nil
        changed.retired = plan.retired
        changed.table =
            provisioning.isPlan ? start.table.after(plan.steps) : try table(name, prepared: shape)
        changed.generation += 1
        return Outcome(statements: types + statements, layout: changed)
    }

    /// What a statement takes beside its lock.
    private static func remark(_ steps: [EvolutionPlan.Step], _ statement: String) -> String? {
        guard !statement.contains(" RENAME COLUMN ") else { return nil }
        let writes = steps.contains { step in
            switch step {
            case .alterType, .addGenerated: true
            case .rename, .addColumn, .dropNotNull: false
            }
        }
        return writes ? "the server may write the whole table anew, with its indexes" : nil
    }

    /// A column whose number the stream could not tell is the one of its name.
    private static func numbered(_ shape: TableShape, by old: TableShape) -> TableShape {
        guard shape.columns.contains(where: { $0.attribute == nil }) else { return shape }
        let columns = shape.columns.map { column in
            var column = column
            column.attribute = column.attribute ?? old.columns.first { $0.name.isSameName(as: column.name) }?.attribute
            return column
        }
        return TableShape(
            table: shape.table, namespace: shape.namespace, name: shape.name, columns: columns, types: shape.types,
            generated: shape.generated)
    }

    private func hint(_ remedy: EvolutionPlan.Remedy) -> String {
        switch remedy {
        case .hint(let hint): return hint
        case .readAgain(let columns):
            let table = QualifiedName(binding.schema, binding.name)
            let drops = columns.map { "ALTER TABLE \(table) DROP COLUMN \(Identifier($0)); " }.joined()
            return "have the table read again: at the destination, \(drops)"
                + binding.forgetting(task: scope.task ?? "")
        }
    }

    private func table(_ name: QualifiedName, prepared shape: TableShape) throws -> DestinationTable {
        let found = try scope.rethrowing { try TableInspection(connection: connection).find(name) }
        guard case .table(let table) = found else {
            throw scope.error(
                .needsOperator, "the destination table is gone",
                hint: "have it read again: raise `backfill` of its binding in the capture")
        }
        for column in shape.storedColumns {
            guard table.column(column.name)?.isGenerated != true else {
                throw scope.error(
                    .needsOperator, "the destination computes the column \"\(column.name)\" by itself",
                    hint: "exclude the field, or make it an ordinary column")
            }
        }
        return table
    }

    /// All of the statements: one of several leaves the table as neither shape.
    private func refused(
        _ steps: [EvolutionPlan.Step], _ shape: TableShape, _ statements: [String]
    ) -> RunError {
        let message =
            switch steps.first {
            case .addColumn(let column, _): "the destination table has no column \"\(column.name)\""
            case .rename(let column, let new): "the source's column \"\(column)\" is named \"\(new)\" now"
            case .addGenerated(let column): "the destination table has no column \"\(column.name)\""
            case .dropNotNull(let column) where !shape.storedColumns.contains { $0.name.isSameName(as: column) }:
                "the source has no column \"\(column)\" any more, and the destination's is NOT NULL"
            case .dropNotNull(let column): "the destination's column \"\(column)\" is NOT NULL, the source's is not"
            case .alterType(let column, let type): "the source's column \"\(column)\" is \(type) now"
            case nil: "the table must be changed"
            }
        let run = statements.count == 1 ? statements[0] : "BEGIN; \(statements.joined(separator: "; ")); COMMIT;"
        return scope.error(.needsOperator, message + ", and schemaEvolution is none", hint: "run: \(run)")
    }
}

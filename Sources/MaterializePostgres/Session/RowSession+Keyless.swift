import Connectors
import Postgres

/// Sets of changes of tables without a key: rows that go are found by all of their values, one for each change.
///
/// Invariant: a change that takes a row away takes exactly one, or the transaction fails (`Divergence.missingCopy`).
extension RowSession {
    /// Rows by what becomes of them.
    private struct Parts {
        var going: [NetChange] = []
        var marked: [NetChange] = []
        /// With the operation that they are kept with.
        var added: [(row: RowReference, operation: Operation)] = []

        init(_ changes: ContiguousArray<NetChange>, isSoft: Bool) {
            for change in changes {
                if change.operation != .delete {
                    added.append((change.row, change.operation))
                } else if !change.isNew {
                    if isSoft, !change.image.isNone { marked.append(change) } else { going.append(change) }
                } else if isSoft {
                    added.append((change.row, .delete))
                }
            }
        }
    }

    /// Stores changes in the open transaction: in the plan's table, or in the rows of a chunk that wait beside it.
    func storeKeyless(
        _ changes: ContiguousArray<NetChange>, _ table: BoundTable, shape: TableShape, rows: RowPool,
        isAside: Bool = false
    ) throws {
        guard !changes.isEmpty else { return }
        let plan = try plan(for: shape, of: table)
        let statements =
            isAside ? KeylessStatements(beside: plan) : KeylessStatements(plan, index: table.layout.table.contentIndex)
        let parts = Parts(changes, isSoft: table.binding.deletes == .soft && !isAside)
        try begin()
        let findsFew = parts.going.isEmpty && parts.marked.isEmpty || statements.isIndexed
        let isSmall =
            changes.count <= RowSession.statementLimit && findsFew && !isAside
            && !SetSummary.isLong(changes, plan, rows, limit: RowSession.statementBytes)
        if isSmall {
            try storeOneByOne(parts, table, plan, statements, rows)
        } else {
            try removeStaged(parts, table, plan, statements, rows)
            try addAll(parts, table, plan, statements, rows)
        }
        try flush()
    }

    private func storeOneByOne(
        _ parts: Parts, _ table: BoundTable, _ plan: StorePlan, _ statements: KeylessStatements, _ rows: RowPool
    ) throws {
        let scope = table.scope("store rows")
        // An index that was made meanwhile makes other statements.
        let key = RowSession.keyPrefix(table.number, plan) + "\(statements.target) \(statements.isIndexed) "
        for (name, fate, changes) in [
            ("go", KeylessStatements.Fate.goes, parts.going), ("mark", .isMarked, parts.marked),
        ] {
            for change in changes {
                try addWhole(change.row, plan, rows, scope)
                try execute(
                    key + name, scope, affected: 1, fault: { Divergence.missingCopy(scope) }
                ) { statements.one(fate) }
            }
        }
        for (row, operation) in parts.added {
            try addWhole(row, plan, rows, scope)
            if statements.keepsOperation { parameters.append(String(UnicodeScalar(operation.rawValue))) }
            try execute(key + "add", scope) { statements.add }
        }
    }

    private func addWhole(_ row: RowReference, _ plan: StorePlan, _ rows: RowPool, _ scope: ErrorScope) throws {
        let fields = rows.fields(of: row)
        let bytes = rows.bytes(of: row)
        parameters.removeAll()
        for source in plan.sources {
            guard !fields[source].isUnchanged else { throw RowEncoder.leftOut(source, plan, scope) }
            add(fields[source], bytes)
        }
    }

    private func removeStaged(
        _ parts: Parts, _ table: BoundTable, _ plan: StorePlan, _ statements: KeylessStatements, _ rows: RowPool
    ) throws {
        guard !parts.going.isEmpty || !parts.marked.isEmpty else { return }
        let scope = table.scope("store rows")
        let stage = try openStage(table, plan)
        let encoder = RowEncoder(plan, rows, copyBuffer, scope)
        try copy(stage.copy(withMasks: false, withOrigins: false), scope) { _ in
            for (letter, changes) in [("x", parts.going), ("m", parts.marked)] {
                for change in changes {
                    try encoder.stagedRow(
                        change, operation: letter.utf8.first ?? 0, row: change.row, withMasks: false, withOrigins: false
                    )
                }
            }
        }
        let missing = { Divergence.missingCopy(scope) }
        if !statements.isIndexed { try allowScans(true, scope) }
        if !parts.going.isEmpty {
            try send(
                statements.many(.goes, staged: "x", in: stage.stage), scope, affected: parts.going.count, fault: missing
            )
        }
        if !parts.marked.isEmpty {
            try send(
                statements.many(.isMarked, staged: "m", in: stage.stage), scope, affected: parts.marked.count,
                fault: missing)
        }
        if !statements.isIndexed { try allowScans(false, scope) }
    }

    private func addAll(
        _ parts: Parts, _ table: BoundTable, _ plan: StorePlan, _ statements: KeylessStatements, _ rows: RowPool
    ) throws {
        guard !parts.added.isEmpty else { return }
        let scope = table.scope("store rows")
        let encoder = RowEncoder(plan, rows, copyBuffer, scope)
        try copy(statements.copy, scope) { _ in
            for (row, operation) in parts.added {
                try encoder.wholeRow(row, operation: statements.keepsOperation ? operation : nil)
            }
        }
    }

    /// Makes the table what waits beside it, row for row; rows that are the same stay as they are.
    func replaceKeyless(_ table: BoundTable, _ plan: StorePlan) throws {
        let scope = table.scope("replace rows")
        let statements = KeylessStatements(plan, index: nil)
        try allowScans(true, scope)
        switch table.binding.deletes {
        case .hard: try send(statements.surplus(.goes), scope)
        case .soft: try send(statements.surplus(.isMarked), scope)
        case .ignore: break
        }
        try send(statements.missing, scope)
        try allowScans(false, scope)
    }

    /// For statements that are about as large as the table.
    private func allowScans(_ isAllowed: Bool, _ scope: ErrorScope) throws {
        let value = isAllowed ? "on" : "off"
        try send(
            "SELECT set_config('enable_hashjoin', \(literal: value), true), set_config('enable_seqscan', \(literal: value), true)",
            scope)
    }
}

extension KeylessStatements {
    /// Whether rows are found by an index.
    var isIndexed: Bool { index != nil }

    /// Whether rows are added with their operation.
    var keepsOperation: Bool { plan.binding.keepsOperation && target == plan.target }

    /// Takes the columns, and the operation where rows are kept with it.
    var copy: SQL {
        let names = plan.columns.map(\.name.quoted) + (keepsOperation ? [RowStatements.operation.quoted] : [])
        return "COPY \(target) (\(raw: names.joined(separator: ", "))) FROM STDIN"
    }
}

extension Divergence {
    /// Of a table without a key.
    static func missingCopy(_ scope: ErrorScope) -> RunError {
        var error = scope.error(
            .needsOperator,
            "a row that the source changed or deleted is not there: rows of the table were changed at the destination by "
                + "somebody else, or it did not begin with all of the source's",
            hint: "have the table read again: raise `backfill` of its binding in the capture")
        error.rowFault = RowFault()
        // What the log does not show is looked for as a session begins.
        error.mayBeStale = true
        return error
    }
}

import Connectors
import Postgres

/// Sets of changes by way of a staging table.
extension RowSession {
    /// Large sets, and those in which rows with left-out columns moved: one COPY and a few statements.
    func storeStaged(
        _ changes: ContiguousArray<NetChange>, _ summary: SetSummary, _ table: BoundTable, _ plan: StorePlan,
        _ rows: RowPool
    ) throws {
        let scope = table.scope("store rows")
        let isSoft = table.binding.deletes == .soft
        let statements = try stage(changes, summary, table, plan, rows)
        let missing = { Divergence.missingRow(scope) }
        if summary.moved > 0 {
            try send(statements.resolveOrigins, scope, affected: summary.moved, fault: missing)
        }
        if summary.carries { try send(statements.carry, scope) }
        let waiting = holding(table, plan)
        if summary.deletes > 0, let waiting {
            try remove(
                waiting, table, by: "pg_temp.\(statements.stage)", where: statements.isDeleted,
                moved: statements.hasOrigin, scope)
        } else if summary.deletes > 0 {
            try send(isSoft ? statements.flag : statements.delete, scope)
        }
        if waiting != nil, summary.upserts > 0, let listed = held[table.number] {
            try send(listed.keep(statements), scope)
        }
        for (part, count) in [(StageStatements.Part.images, summary.images), (.upserts, summary.upserts)]
        where count > 0 {
            let withMasks = summary.partial > 0
            let isOneEach = part == .upserts || !plan.hasLooseKey
            if serverHasMerge {
                let isCounted = withMasks && isOneEach && plan.columns.contains(where: \.isAssigned)
                try send(
                    statements.merge(part, withMasks: withMasks, carries: summary.carries), scope,
                    affected: isCounted ? count : nil,
                    fault: missing)
            } else {
                let partial = part == .images ? summary.partialImages : summary.partialUpserts
                if partial > 0 {
                    try send(
                        statements.updatePartial(part), scope, affected: isOneEach ? partial : nil, fault: missing)
                }
                if summary.carries { try send(statements.upsertCarried(part), scope) }
                try send(
                    statements.upsertWhole(part, withMasks: withMasks, carries: summary.carries), scope)
            }
        }
        try flush()
    }

    /// A set for a table that has no key yet: rows are completed in the staging table, then written anew. `target`: what takes
    /// them, where that is not the table itself. `room` comes before rows are written.
    func storeWithoutKey(
        _ changes: ContiguousArray<NetChange>, _ summary: SetSummary, _ table: BoundTable, _ plan: StorePlan,
        _ rows: RowPool, into target: QualifiedName? = nil, room: (StageStatements) throws -> Void = { _ in }
    ) throws {
        let scope = table.scope("store rows")
        let missing = { Divergence.missingRow(scope) }
        let staged = try stage(changes, summary, table, plan, rows)
        let statements = StageStatements(plan, stage: staged.stage.name, target: target)
        try send("SET LOCAL enable_hashjoin = on", scope)
        if summary.moved > 0 {
            try send(statements.resolveOrigins, scope, affected: summary.moved, fault: missing)
        }
        let own = summary.partialImages + summary.partialUpserts
        if own > 0 { try send(statements.resolveOwn, scope, affected: own, fault: missing) }
        if table.binding.deletes == .soft, summary.deletes > 0 { try send(statements.flag, scope) }
        try send(statements.clear, scope)
        try room(statements)
        if summary.images > 0 { try send(statements.insert(.images), scope) }
        if summary.upserts > 0 { try send(statements.insert(.upserts), scope) }
        try send("SET LOCAL enable_hashjoin = off", scope)
        try flush()
    }

    /// Brings a set into the binding's staging table.
    private func stage(
        _ changes: ContiguousArray<NetChange>, _ summary: SetSummary, _ table: BoundTable, _ plan: StorePlan,
        _ rows: RowPool
    ) throws -> StageStatements {
        let scope = table.scope("store rows")
        let statements = try openStage(table, plan)
        let withMasks = summary.partial > 0
        let withOrigins = summary.moved > 0 || summary.carries || summary.displaced > 0 && isReferredTo(table)
        let encoder = RowEncoder(plan, rows, copyBuffer, scope)
        let mode = table.binding.deletes
        try copy(statements.copy(withMasks: withMasks, withOrigins: withOrigins), scope) { _ in
            for change in changes {
                if change.operation != .delete {
                    try encoder.stagedRow(
                        change, operation: change.operation.rawValue, row: change.row, withMasks: withMasks,
                        withOrigins: withOrigins)
                } else if mode == .soft, !change.image.isNone {
                    try encoder.stagedRow(
                        change, operation: UInt8(ascii: "i"), row: change.image, withMasks: withMasks,
                        withOrigins: withOrigins)
                } else if mode != .ignore {
                    try encoder.stagedDelete(change, withMasks: withMasks, withOrigins: withOrigins)
                }
            }
        }
        return statements
    }

    private func isReferredTo(_ table: BoundTable) -> Bool { !table.layout.table.references.isEmpty }

    /// The plan's staging table, empty.
    func openStage(_ table: BoundTable, _ plan: StorePlan) throws -> StageStatements {
        let scope = table.scope("store rows")
        let index: Int
        let statements: StageStatements
        if let known = stages.index(of: plan) {
            index = known
            statements = StageStatements(plan, stage: stages.stages[known].name)
            if stages.stages[known].isFilled { try send(statements.empty, scope) }
        } else {
            index = stages.add(plan, binding: table.number)
            statements = StageStatements(plan, stage: stages.stages[index].name)
            try send(statements.create, scope)
        }
        stages.fill(index)
        return statements
    }
}

import Connectors
import Postgres

/// Sets of changes of upsert tables: each takes the way that suits its size and kind.
extension RowSession {
    /// Sets up to this size are stored by a statement a change.
    static let statementLimit = 64
    /// …and up to these bytes of values: parameters are kept whole more than once on their way, a COPY's pieces are not.
    static let statementBytes = 1 << 20

    /// Stores what the changes of an upsert table come to, in the open transaction.
    func store(_ changes: ContiguousArray<NetChange>, _ table: BoundTable, shape: TableShape, rows: RowPool) throws {
        guard !table.binding.isKeylessMirror else {
            return try storeKeyless(changes, table, shape: shape, rows: rows)
        }
        let plan = try plan(for: shape, of: table)
        let summary = try SetSummary(changes, plan, rows, table.scope("store rows"))
        guard summary.count > 0 else { return }
        try begin()
        guard table.hasKey || holding(table, plan) == nil else {
            throw table.scope("store rows").error(.internal, "a table that others refer to has no key")
        }
        if summary.upserts > 0 { try releaseFree(table) }
        if let adoption = table.adoption {
            try storeAdopting(changes, summary, table, plan, rows, adoption)
        } else if !table.hasKey {
            try storeWithoutKey(changes, summary, table, plan, rows)
        } else if summary.count > 1, table.mayRewrite(isReplica: isReplica) {
            try storeAround(changes, summary, table, plan, rows)
        } else {
            try storeByKey(changes, summary, table, plan, rows)
        }
    }

    /// A set that comes to rows which another unique index allows, by a way that it may not: two rows that exchange values. Where
    /// the index refuses the way, all of the set's rows are taken out and written anew.
    private func storeAround(
        _ changes: ContiguousArray<NetChange>, _ summary: SetSummary, _ table: BoundTable, _ plan: StorePlan,
        _ rows: RowPool
    ) throws {
        let scope = table.scope("store rows")
        try send("SAVEPOINT flow_set", scope)
        try drain()
        let staged = stages
        do {
            try storeByKey(changes, summary, table, plan, rows)
            try drain()
        } catch let error as RunError where error.sqlState == "23505" {
            stages = staged
            try send("ROLLBACK TO SAVEPOINT flow_set", scope)
            try storeWithoutKey(changes, summary, table, plan, rows)
        }
        try send("RELEASE SAVEPOINT flow_set", scope)
    }

    private func storeByKey(
        _ changes: ContiguousArray<NetChange>, _ summary: SetSummary, _ table: BoundTable, _ plan: StorePlan,
        _ rows: RowPool
    ) throws {
        // Rows of one table that refer to each other are looked at when a statement ends.
        let isSmall =
            summary.count <= RowSession.statementLimit && !table.refersToItself
            && !SetSummary.isLong(changes, plan, rows, limit: RowSession.statementBytes)
        if isSmall || !StageStatements.canStage(plan), summary.moved == 0, !summary.carries,
            summary.partial == 0 || plan.toastable.count <= UInt64.bitWidth
        {
            try storeEach(changes, table, plan, rows)
        } else {
            if summary.isAllNew, table.takesDirectCopy, try copyNew(changes, table, plan, rows) { return }
            try storeStaged(changes, summary, table, plan, rows)
        }
    }

    /// The upserts whose every row is new, copied straight into the table. False where one of them was there: nothing is
    /// stored then, and the binding's sets take the other way from now on.
    private func copyNew(
        _ changes: ContiguousArray<NetChange>, _ table: BoundTable, _ plan: StorePlan, _ rows: RowPool
    ) throws -> Bool {
        let scope = table.scope("store rows")
        try send("SAVEPOINT flow_copy", scope)
        try drain()
        do {
            let encoder = RowEncoder(plan, rows, copyBuffer, scope)
            try copy(StageStatements(plan, stage: "").copyToTarget, scope) { _ in
                for change in changes { try encoder.newRow(change) }
            }
        } catch let error as RunError where error.sqlState == "23505" {
            table.takesDirectCopy = false
            try send("ROLLBACK TO SAVEPOINT flow_copy", scope)
            return false
        }
        try send("RELEASE SAVEPOINT flow_copy", scope)
        return true
    }

    // MARK: - A statement a change

    private func storeEach(
        _ changes: ContiguousArray<NetChange>, _ table: BoundTable, _ plan: StorePlan, _ rows: RowPool
    ) throws {
        let mode = table.binding.deletes
        let waiting = holding(table, plan)
        for change in changes where change.operation == .delete && mode != .ignore {
            if let waiting {
                try remove(change, waiting, table, plan, rows)
            } else if mode == .soft, !change.image.isNone {
                try upsert(change, row: change.image, operation: .delete, table, plan, rows)
            } else {
                try delete(change, isSoft: mode == .soft, table, plan, rows)
            }
        }
        for change in changes where change.operation != .delete {
            if waiting != nil, let listed = held[table.number] {
                let scope = table.scope("store rows")
                parameters.removeAll()
                try addKey(of: change.row, plan, rows, scope)
                try execute(RowSession.keyPrefix(table.number, plan) + "keep", scope) { listed.keepOne }
            }
            try upsert(change, row: change.row, operation: change.operation, table, plan, rows)
        }
    }

    /// Has a row go that others may refer to.
    private func remove(
        _ change: NetChange, _ waiting: HeldStatements, _ table: BoundTable, _ plan: StorePlan, _ rows: RowPool
    ) throws {
        let scope = table.scope("store rows")
        try openList(waiting, table)
        parameters.removeAll()
        try addKey(of: change.row, plan, rows, scope)
        let prefix = RowSession.keyPrefix(table.number, plan)
        try execute(prefix + "free", scope) { waiting.freeOne }
        try execute(prefix + "hold \(change.isMovedAway)", scope) { waiting.holdOne(moved: change.isMovedAway) }
    }

    private func delete(
        _ change: NetChange, isSoft: Bool, _ table: BoundTable, _ plan: StorePlan, _ rows: RowPool
    ) throws {
        let scope = table.scope("store rows")
        parameters.removeAll()
        try addKey(of: change.row, plan, rows, scope)
        try execute(RowSession.keyPrefix(table.number, plan) + "delete", scope) {
            isSoft ? RowStatements(plan: plan).flag : RowStatements(plan: plan).delete
        }
    }

    private func upsert(
        _ change: NetChange, row: RowReference, operation: Operation, _ table: BoundTable, _ plan: StorePlan,
        _ rows: RowPool
    ) throws {
        let scope = table.scope("store rows")
        let fields = rows.fields(of: row)
        let bytes = rows.bytes(of: row)
        let mask = change.hasUnchanged ? plan.mask(of: fields) : 0
        parameters.removeAll()
        guard mask != 0 else {
            for source in plan.sources {
                guard !fields[source].isUnchanged else { throw RowEncoder.leftOut(source, plan, scope) }
                add(fields[source], bytes)
            }
            addOperation(operation, table)
            try execute(RowSession.keyPrefix(table.number, plan) + "upsert", scope) {
                RowStatements(plan: plan).upsert
            }
            return
        }
        try addKey(of: row, plan, rows, scope)
        for (place, source) in plan.sources.enumerated() {
            let column = plan.columns[place]
            guard !column.isKey, !column.destination.isAlwaysIdentity, !fields[source].isUnchanged else { continue }
            add(fields[source], bytes)
        }
        addOperation(operation, table)
        try execute(
            RowSession.keyPrefix(table.number, plan) + "update \(mask)", scope, affected: 1,
            fault: { Divergence.missingRow(scope) }
        ) {
            RowStatements(plan: plan).update(leaving: mask)
        }
    }

    private func addOperation(_ operation: Operation, _ table: BoundTable) {
        guard table.binding.keepsOperation else { return }
        withUnsafePointer(to: operation.rawValue) { parameters.append(UnsafeBufferPointer(start: $0, count: 1)) }
    }

    private func addKey(of row: RowReference, _ plan: StorePlan, _ rows: RowPool, _ scope: ErrorScope) throws {
        let fields = rows.fields(of: row)
        let bytes = rows.bytes(of: row)
        for source in plan.keySources {
            guard fields[source].length >= 0 else { throw RowEncoder.noKey(source, plan, scope) }
            add(fields[source], bytes)
        }
    }

    @inline(__always) func add(_ field: FieldSlice, _ bytes: UnsafePointer<UInt8>) {
        if field.length < 0 {
            parameters.appendNull()
        } else {
            parameters.append(UnsafeBufferPointer(start: bytes + Int(field.offset), count: Int(field.length)))
        }
    }
}

/// What shows that the destination no longer has what it was given.
enum Divergence {
    static func missingRow(_ scope: ErrorScope) -> RunError {
        var error = scope.error(
            .needsOperator,
            "an update left a large value out because the source did not change it, and the destination no longer has the "
                + "row that holds it: rows were removed or keys changed there by somebody else",
            hint: "have the table read again: raise `backfill` of its binding in the capture")
        error.rowFault = RowFault()
        // What the log does not show is looked for as a session begins.
        error.mayBeStale = true
        return error
    }
}

import Connectors
import Postgres

/// Rows of a chunk for a table with unique indexes of its own: they wait beside it, and changes go on top of them there.
///
/// Invariant: what is brought into such a table are rows as the source has them at one place of the log, which the table's other
/// rows are at too. At one place the source's rows hold to its constraints: none of them is in another's way because one is
/// older. What may be is the way there: where the index refuses it, rows are taken out and written anew.
extension RowSession {
    /// Stores changes of the rows that wait; a row that goes is taken out of the table too, where that has it from before.
    func storeBeside(
        _ changes: ContiguousArray<NetChange>, _ table: BoundTable, shape: TableShape, rows: RowPool
    ) throws {
        let plan = try plan(for: shape, of: table)
        if table.hasKey, table.binding.deletes == .hard {
            let gone = ContiguousArray(changes.filter { $0.operation == .delete })
            if !gone.isEmpty { try store(gone, table, shape: shape, rows: rows) }
        }
        let summary = try SetSummary(changes, plan, rows, table.scope("store rows"))
        guard summary.count > 0 else { return }
        try storeWithoutKey(changes, summary, table, plan, rows, into: OverlayStatements.stage)
    }

    /// Brings the rows that wait into the table.
    func bring(_ overlay: OverlayStatements, into table: BoundTable, _ adoption: Adoption?) throws {
        let scope = table.scope("copy rows")
        guard table.hasKey else { return try send(overlay.insert, scope) }
        let stage = OverlayStatements.stage.name.name
        try send("SAVEPOINT flow_bring", scope)
        try drain()
        do {
            try send(overlay.bring, scope)
            try drain()
        } catch let error as RunError where error.sqlState == "23505" && table.mayRewrite(isReplica: isReplica) {
            try send("ROLLBACK TO SAVEPOINT flow_bring", scope)
            try send(overlay.clear, scope)
            if let adoption, table.binding.deletes == .hard {
                let room = overlay.plan.makeRoom(adoption, in: table.layout.table, for: stage, "true")
                for statement in room { try send(statement, scope) }
            }
            try send(overlay.bring, scope)
        }
        try send("RELEASE SAVEPOINT flow_bring", scope)
        if let adoption { try send(overlay.plan.settle(adoption, by: stage), scope) }
    }
}

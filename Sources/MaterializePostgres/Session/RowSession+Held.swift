import Connectors
import Postgres

/// Rows that go from tables that others refer to, in sessions in which the server looks after foreign keys.
///
/// Invariant: no foreign key's action takes a row of the destination along, or changes one, unless that row is to go itself, or is
/// in a table that no link stores and refers to a row that is gone at the source. Where one would, the transaction fails.
///
/// So a row that is referred to goes last, as its transaction ends, when everything else of it is stored: rows that came in its
/// place, and what became of those that refer to it. Tables that refer go before those that they refer to.
extension RowSession {
    /// How rows go from a table that somebody refers to; nil where they may go at once.
    func holding(_ table: BoundTable, _ plan: StorePlan) -> HeldStatements? {
        guard table.binding.mode == .upsert, table.binding.deletes == .hard,
            table.layout.table.holdsDeletes
        else { return nil }
        return HeldStatements(plan, table)
    }

    /// Makes the list that rows wait in.
    func openList(_ waiting: HeldStatements, _ table: BoundTable) throws {
        guard held[table.number] == nil else { return }
        try send(waiting.create, table.scope("store rows"))
        held[table.number] = waiting
    }

    /// Has rows go that the condition is true of; see `HeldStatements`.
    func remove(
        _ waiting: HeldStatements, _ table: BoundTable, by source: String? = nil, where condition: String,
        moved: String = "false", _ scope: ErrorScope
    ) throws {
        try openList(waiting, table)
        try send("SET LOCAL enable_hashjoin = on", scope)
        try send(waiting.free(by: source, where: condition), scope)
        try send(waiting.hold(by: source, where: condition, moved: moved), scope)
        try send("SET LOCAL enable_hashjoin = off", scope)
    }

    /// Has those go by now that wait and that nobody refers to any more: a row that comes may be in need of their place.
    func releaseFree(_ table: BoundTable) throws {
        guard let waiting = held[table.number] else { return }
        try send(waiting.releaseFree, table.scope("store rows"))
    }

    /// Has the rows go that wait, once it is certain that only they do. `isLast`: the transaction ends with that.
    func releaseHeld(isLast: Bool = true) throws {
        guard !held.isEmpty else { return }
        let order = try tables.order.childrenFirst(held.keys.sorted()).compactMap { number in
            try held[number].map { (try tables.attached(number).scope("store rows"), $0) }
        }
        for (scope, waiting) in order {
            try send("SET LOCAL enable_hashjoin = on", scope)
            for key in waiting.references where key.onDelete.isSilent {
                let user = tables.user.quoted
                let fault = { RowSession.wouldTakeAlong(key, user, scope) }
                try send(waiting.confirm(key, order.map(\.1), records: tables.records), scope, fault: fault)
            }
        }
        for (scope, waiting) in order {
            try send(waiting.release, scope)
            if !isLast { try send(waiting.empty, scope) }
            try send("SET LOCAL enable_hashjoin = off", scope)
        }
        held.removeAll()
    }

    /// A fault of a row, like that of a foreign key without an action.
    private static func wouldTakeAlong(_ key: ForeignKey, _ user: String, _ scope: ErrorScope) -> RunError {
        let effect = key.onDelete == .cascade ? "remove" : "change"
        var error = scope.error(
            .needsOperator,
            "a row is gone at the source, or has another key there, and the foreign key \(Identifier(key.name)) of \(key.child) "
                + "(ON DELETE \(key.onDelete.clause)) would \(effect) rows that refer to it and are not to go",
            hint: key.remedy("DELETE", user: user), sqlState: "23503")
        error.rowFault = RowFault(
            schema: key.child.schema.name, table: key.child.name.name, constraint: key.name)
        return error
    }
}

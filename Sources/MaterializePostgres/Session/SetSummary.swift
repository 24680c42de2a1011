import Connectors

/// What a set of changes of an upsert table is made of.
struct SetSummary {
    /// Rows that are written.
    var upserts = 0
    /// Rows that are removed, or flagged and otherwise left alone.
    var deletes = 0
    /// Rows that a soft delete keeps as they last were, which the destination doesn't have yet.
    var images = 0
    /// Written rows that lack columns which the destination has: under the same key, or under the one they moved from.
    var partialUpserts = 0
    var partialImages = 0
    var moved = 0
    /// Rows whose key is another one than it was, or that are deleted under the one they had.
    var displaced = 0
    /// Whether such rows bring columns along that only the destination has.
    var carries = false
    /// Whether the log shows that the destination has none of the rows.
    var isAllNew = true

    var count: Int { upserts + deletes + images }
    var partial: Int { partialUpserts + partialImages + moved }

    init(
        _ changes: ContiguousArray<NetChange>, _ plan: StorePlan, _ rows: RowPool, _ scope: ErrorScope
    ) throws {
        let mode = plan.binding.deletes
        for change in changes {
            if !change.origin.isNone || change.isMovedAway { displaced += 1 }
            if !change.origin.isNone, !plan.own.isEmpty { carries = true }
            if change.operation != .delete {
                upserts += 1
                isAllNew = isAllNew && change.isNew
                if change.hasUnchanged, try SetSummary.lacks(change.row, plan, rows, scope) {
                    isAllNew = false
                    if change.origin.isNone { partialUpserts += 1 } else { moved += 1 }
                }
                continue
            }
            isAllNew = false
            if mode == .soft, !change.image.isNone {
                images += 1
                if change.hasUnchanged, try SetSummary.lacks(change.image, plan, rows, scope) {
                    if change.origin.isNone { partialImages += 1 } else { moved += 1 }
                }
            } else if mode != .ignore {
                deletes += 1
            }
        }
    }

    /// Whether the rows' values together are longer than `limit`. For small sets.
    static func isLong(
        _ changes: ContiguousArray<NetChange>, _ plan: StorePlan, _ rows: RowPool, limit: Int
    ) -> Bool {
        var bytes = 0
        for change in changes {
            bytes += size(of: change.row, plan, rows)
            if !change.image.isNone { bytes += size(of: change.image, plan, rows) }
            if bytes > limit { return true }
        }
        return false
    }

    /// Bytes of a row's values.
    static func size(of row: RowReference, _ plan: StorePlan, _ rows: RowPool) -> Int {
        guard !row.isNone else { return 0 }
        let fields = rows.fields(of: row)
        return plan.sources.reduce(0) { $0 + max(0, Int(fields[$1].length)) }
    }

    /// Whether a row lacks columns that the table has; an error where it lacks one that can't be left out.
    private static func lacks(
        _ row: RowReference, _ plan: StorePlan, _ rows: RowPool, _ scope: ErrorScope
    ) throws -> Bool {
        let fields = rows.fields(of: row)
        for (place, source) in plan.sources.enumerated() where fields[source].isUnchanged && plan.bits[place] < 0 {
            throw RowEncoder.leftOut(source, plan, scope)
        }
        return plan.lacksColumns(fields)
    }
}

import Connectors

/// Folds the changes of one table to their net effect by key.
///
/// Invariant: applying `changes` (origins first, then deletes, then upserts) to the destination as it was when the fold
/// began gives what applying every change in order would have given. Keys are compared as the text that the log carries.
///
/// Constant time a change, on average; nothing is allocated for a row or a column.
struct UpsertFold {
    private(set) var changes = ContiguousArray<NetChange>()

    /// The collection's key, as columns of the shape.
    private let rows: RowContent
    private let columnCount: Int
    private let pool: RowPool
    /// Open addressing: index into `changes`, -1 for a free slot. Twice as many as changes at least.
    private var slots: ContiguousArray<Int32>
    private var hashes = ContiguousArray<UInt64>()
    /// Parallel to `changes`: whether the row under the key was inserted since the fold began, under this key or another.
    private var isFresh = ContiguousArray<Bool>()
    /// Rows put together from several changes, because a later one left columns out.
    private var merged: (batch: ChangeBatch, index: Int32)?

    init(keyColumns: [Int], columnCount: Int, pool: RowPool) {
        rows = RowContent(pool: pool, columns: keyColumns)
        self.columnCount = columnCount
        self.pool = pool
        slots = ContiguousArray(repeating: -1, count: 256)
    }

    var isEmpty: Bool { changes.isEmpty }

    /// Bytes of rows that were put together.
    var mergedBytes: Int { merged?.batch.size ?? 0 }

    mutating func insert(_ row: RowReference) {
        let hash = rows.hash(of: row)
        if let index = find(row, hash) {
            changes[index].operation = .create
            replaceRow(of: index, with: row)
            isFresh[index] = true
        } else {
            append(NetChange(operation: .create, isNew: true, row: row), hash, isFresh: true)
        }
    }

    /// `old` is the row before the change where the log has it; else the key is the same.
    mutating func update(_ row: RowReference, old: RowReference, hasUnchanged: Bool) {
        let hash = rows.hash(of: row)
        guard !old.isNone, !rows.isSame(old, row) else {
            updateInPlace(row, hash, hasUnchanged: hasUnchanged)
            return
        }
        move(from: old, to: row, hash, hasUnchanged: hasUnchanged)
    }

    /// `old` has the key's columns at least.
    mutating func delete(_ old: RowReference) {
        let hash = rows.hash(of: old)
        guard let index = find(old, hash) else {
            append(NetChange(operation: .delete, isNew: false, row: old), hash)
            return
        }
        if changes[index].operation != .delete { changes[index].image = changes[index].row }
        if changes[index].operation != .delete, !changes[index].origin.isNone {
            // Where it came from it is gone for good.
            mark(changes[index].origin, isMovedAway: false)
        }
        changes[index].operation = .delete
        changes[index].row = old
    }

    private mutating func mark(_ row: RowReference, isMovedAway: Bool) {
        if let index = find(row, rows.hash(of: row)) { changes[index].isMovedAway = isMovedAway }
    }

    /// Forgets the changes; the rows' batches are the pool owner's to drop.
    mutating func removeAll() {
        changes.removeAll(keepingCapacity: true)
        hashes.removeAll(keepingCapacity: true)
        isFresh.removeAll(keepingCapacity: true)
        merged = nil
        if slots.count > 1 << 16 {
            slots = ContiguousArray(repeating: -1, count: 256)
        } else {
            slots.withUnsafeMutableBufferPointer { $0.update(repeating: -1) }
        }
    }

    // MARK: - The three cases of an update

    private mutating func updateInPlace(_ row: RowReference, _ hash: UInt64, hasUnchanged: Bool) {
        guard let index = find(row, hash) else {
            var change = NetChange(operation: .update, isNew: false, row: row)
            change.hasUnchanged = hasUnchanged
            append(change, hash)
            return
        }
        let earlier = changes[index]
        changes[index].operation = .update
        guard hasUnchanged, earlier.operation != .delete else {
            replaceRow(of: index, with: row)
            changes[index].hasUnchanged = hasUnchanged
            if earlier.operation != .delete { changes[index].origin = earlier.origin }
            return
        }
        changes[index].row = merge(row, over: earlier.row)
        changes[index].hasUnchanged = earlier.hasUnchanged && hasUnchangedColumns(changes[index].row)
    }

    private mutating func move(from old: RowReference, to row: RowReference, _ hash: UInt64, hasUnchanged: Bool) {
        var moved = row
        var stillUnchanged = hasUnchanged
        var origin = old
        var isFresh = false
        if let source = find(old, rows.hash(of: old)), changes[source].operation != .delete {
            let earlier = changes[source]
            isFresh = self.isFresh[source]
            origin = isFresh ? .none : earlier.origin.isNone ? old : earlier.origin
            if hasUnchanged {
                moved = merge(row, over: earlier.row)
                stillUnchanged = earlier.hasUnchanged && hasUnchangedColumns(moved)
            }
        }
        delete(old)
        if !origin.isNone { mark(origin, isMovedAway: true) }
        if let index = find(row, hash) {
            changes[index].operation = .update
            replaceRow(of: index, with: moved)
            changes[index].hasUnchanged = stillUnchanged
            changes[index].origin = origin
            self.isFresh[index] = isFresh
        } else {
            var change = NetChange(operation: .update, isNew: false, row: moved)
            change.hasUnchanged = stillUnchanged
            change.origin = origin
            append(change, hash, isFresh: isFresh)
        }
    }

    private mutating func replaceRow(of index: Int, with row: RowReference) {
        changes[index].row = row
        changes[index].image = .none
        changes[index].origin = .none
        changes[index].hasUnchanged = false
    }

    // MARK: - Rows from several changes

    /// A row that has `newer`'s columns where it has them, and `older`'s where it left them out. A value is copied once,
    /// however many updates leave it out: rows that were put together share it.
    private mutating func merge(_ newer: RowReference, over older: RowReference) -> RowReference {
        let target = mergedBatch()
        let first = target.batch.nextField
        for column in 0..<columnCount {
            let source = pool.field(newer, column).isUnchanged ? older : newer
            let field = pool.field(source, column)
            if source.batch != target.index, field.length > 0, let value = pool.value(source, column)?.baseAddress {
                target.batch.appendValue(value, count: Int(field.length))
            } else {
                target.batch.appendShared(field)
            }
            pool.refresh(target.index)
        }
        return RowReference(batch: target.index, firstField: first)
    }

    private mutating func mergedBatch() -> (batch: ChangeBatch, index: Int32) {
        if let merged { return merged }
        let batch = ChangeBatch(byteCapacity: 1 << 12)
        let made = (batch: batch, index: pool.add(batch))
        merged = made
        return made
    }

    private func hasUnchangedColumns(_ row: RowReference) -> Bool {
        let fields = pool.fields(of: row)
        for column in 0..<columnCount where fields[column].isUnchanged { return true }
        return false
    }

    // MARK: - The index by key

    private mutating func append(_ change: NetChange, _ hash: UInt64, isFresh: Bool = false) {
        changes.append(change)
        hashes.append(hash)
        self.isFresh.append(isFresh)
        if changes.count * 2 > slots.count { grow() }
        place(Int32(truncatingIfNeeded: changes.count - 1), hash)
    }

    private mutating func place(_ index: Int32, _ hash: UInt64) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] >= 0 { slot = (slot + 1) & mask }
        slots[slot] = index
    }

    private mutating func grow() {
        slots = ContiguousArray(repeating: -1, count: slots.count * 4)
        for index in 0..<hashes.count - 1 { place(Int32(truncatingIfNeeded: index), hashes[index]) }
    }

    private func find(_ row: RowReference, _ hash: UInt64) -> Int? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let index = Int(slots[slot])
            if index < 0 { return nil }
            if hashes[index] == hash, rows.isSame(changes[index].row, row) { return index }
            slot = (slot + 1) & mask
        }
    }
}

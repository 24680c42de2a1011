import Connectors

/// Folds the changes of one table without a key: how many rows of each content come and go.
///
/// Invariant: taking away and adding what `changes` says gives, as often as each row is there, what making every change in
/// order would have given. Rows that are the same as the log writes them are one content; where two of them become equal at the
/// destination, their numbers add up.
///
/// Constant time a change, on average; nothing is allocated for a row or a column.
struct KeylessFold {
    /// One content.
    private struct Entry {
        var row: RowReference
        var operation = Operation.create
        /// Rows that come (above 0) or go.
        var live = 0
        /// Rows that soft deletes keep as deleted.
        var dead = 0
    }

    private let deletes: DeleteMode
    private let rows: RowContent
    private var entries = ContiguousArray<Entry>()
    private var hashes = ContiguousArray<UInt64>()
    /// Open addressing: index into `entries`, -1 for a free slot. Twice as many as entries at least.
    private var slots: ContiguousArray<Int32>

    init(columnCount: Int, deletes: DeleteMode, pool: RowPool) {
        self.deletes = deletes
        rows = RowContent(pool: pool, columns: Array(0..<columnCount))
        slots = ContiguousArray(repeating: -1, count: 256)
    }

    /// One row of this content comes, by an insert or an update.
    mutating func add(_ row: RowReference, operation: Operation) {
        let index = entry(of: row)
        entries[index].live += 1
        entries[index].operation = operation
    }

    /// One row of this content becomes another, or leaves what has been read.
    mutating func remove(_ row: RowReference) {
        entries[entry(of: row)].live -= 1
    }

    /// One row of this content is deleted at the source.
    mutating func delete(_ row: RowReference) {
        guard deletes != .ignore else { return }
        let index = entry(of: row)
        entries[index].live -= 1
        if deletes == .soft { entries[index].dead += 1 }
    }

    /// What it comes to: rows that go first.
    var changes: ContiguousArray<NetChange> {
        var changes = ContiguousArray<NetChange>()
        for entry in entries {
            var dead = entry.dead
            for _ in 0..<max(0, -entry.live) {
                var change = NetChange(operation: .delete, isNew: false, row: entry.row)
                if dead > 0 {
                    change.image = entry.row
                    dead -= 1
                }
                changes.append(change)
            }
            for _ in 0..<dead {
                var change = NetChange(operation: .delete, isNew: true, row: entry.row)
                change.image = entry.row
                changes.append(change)
            }
        }
        for entry in entries {
            for _ in 0..<max(0, entry.live) {
                changes.append(NetChange(operation: entry.operation, isNew: true, row: entry.row))
            }
        }
        return changes
    }

    /// Forgets the changes; the rows' batches are the pool owner's to drop.
    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        hashes.removeAll(keepingCapacity: true)
        if slots.count > 1 << 16 {
            slots = ContiguousArray(repeating: -1, count: 256)
        } else {
            slots.withUnsafeMutableBufferPointer { $0.update(repeating: -1) }
        }
    }

    // MARK: - The index by content

    private mutating func entry(of row: RowReference) -> Int {
        let hash = rows.hash(of: row)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] >= 0 {
            let index = Int(slots[slot])
            if hashes[index] == hash, rows.isSame(entries[index].row, row) { return index }
            slot = (slot + 1) & (slots.count - 1)
        }
        entries.append(Entry(row: row))
        hashes.append(hash)
        if entries.count * 2 > slots.count {
            grow()
        } else {
            slots[slot] = Int32(truncatingIfNeeded: entries.count - 1)
        }
        return entries.count - 1
    }

    private mutating func grow() {
        slots = ContiguousArray(repeating: -1, count: slots.count * 2)
        for (index, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(truncatingIfNeeded: index)
        }
    }
}

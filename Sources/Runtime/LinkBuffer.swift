import Connectors

/// What a link has taken from the log and not yet stored: net effects by key for upsert tables, the changes themselves for
/// delta tables, and the batches that hold their rows.
struct LinkBuffer {
    /// One binding's part.
    struct Part {
        var shape: TableShape
        var keyColumns: [Int]
        let isUpsert: Bool
        /// Of an upsert table without a key, whose rows `keyless` takes instead of `fold`.
        let isKeyless: Bool
        var fold: UpsertFold
        var keyless: KeylessFold
        var log = ContiguousArray<LoggedChange>()
        /// Whether changes of `log` have unchanged fields.
        var lacksValues = false
        var count = 0
    }

    let pool = RowPool()
    private(set) var parts: [Part]
    /// Memory of the batches that are kept alive.
    private(set) var batchBytes = 0
    /// Changes taken since the last `clear`.
    private(set) var changes = 0
    private var current: (batch: ChangeBatch, index: Int32)?

    init(bindings: [LinkBinding], shapes: [TableShape]) throws {
        parts = []
        for binding in bindings {
            parts.append(try LinkBuffer.part(binding, shapes[binding.table], pool))
        }
    }

    private static func part(_ binding: LinkBinding, _ shape: TableShape, _ pool: RowPool) throws -> Part {
        let keyColumns = try binding.key.map { name in
            guard let index = shape.index(of: name) else {
                throw RunError(
                    .needsOperator, operation: "follow the key", object: "table \(shape.namespace).\(shape.name)",
                    message: "the collection's key names column \"\(name)\", which the table does not have",
                    hint: "name columns of the table in the collection's key, then bump the binding's backfill counter")
            }
            return index
        }
        return Part(
            shape: shape, keyColumns: keyColumns, isUpsert: binding.mode == .upsert, isKeyless: binding.isKeylessMirror,
            fold: UpsertFold(keyColumns: keyColumns, columnCount: shape.columns.count, pool: pool),
            keyless: KeylessFold(columnCount: shape.columns.count, deletes: binding.deletes, pool: pool))
    }

    var isEmpty: Bool { changes == 0 }

    /// Memory that is kept for what is not stored yet.
    var bytes: Int { parts.reduce(batchBytes) { $0 + $1.fold.mergedBytes } }

    /// Gives a binding another shape. It must have nothing buffered.
    mutating func setShape(_ shape: TableShape, of index: Int, binding: LinkBinding) throws {
        parts[index] = try LinkBuffer.part(binding, shape, pool)
    }

    /// The number that rows of this batch are named by.
    mutating func adopt(_ batch: ChangeBatch) -> Int32 {
        if let current, current.batch === batch { return current.index }
        let index = pool.add(batch)
        current = (batch, index)
        batchBytes += batch.footprint
        return index
    }

    @inline(__always)
    mutating func insert(_ row: RowReference, binding: Int) {
        parts[binding].fold.insert(row)
        count(binding)
    }

    @inline(__always)
    mutating func update(_ row: RowReference, old: RowReference, hasUnchanged: Bool, binding: Int) {
        parts[binding].fold.update(row, old: old, hasUnchanged: hasUnchanged)
        count(binding)
    }

    @inline(__always)
    mutating func delete(_ old: RowReference, binding: Int) {
        parts[binding].fold.delete(old)
        count(binding)
    }

    /// A change of a keyless table, of which both sides that are given count. One that is not given is outside of what was read.
    mutating func change(_ kind: ChangeEvent.Kind, from old: RowReference, to new: RowReference, binding: Int) {
        if !old.isNone {
            if kind == .delete { parts[binding].keyless.delete(old) } else { parts[binding].keyless.remove(old) }
        }
        if !new.isNone { parts[binding].keyless.add(new, operation: kind == .insert ? .create : .update) }
        count(binding)
    }

    @inline(__always)
    mutating func log(_ change: LoggedChange, binding: Int) {
        parts[binding].log.append(change)
        if change.hasUnchanged { parts[binding].lacksValues = true }
        count(binding)
    }

    @inline(__always)
    private mutating func count(_ binding: Int) {
        parts[binding].count += 1
        changes += 1
    }

    /// What is buffered, binding by binding.
    var stored: [StoredPart] {
        parts.indices.compactMap { index in
            let part = parts[index]
            guard part.count > 0 else { return nil }
            guard part.isUpsert else {
                return StoredPart(binding: index, shape: part.shape, changes: .logged(part.log))
            }
            let changes = part.isKeyless ? part.keyless.changes : part.fold.changes
            return changes.isEmpty ? nil : StoredPart(binding: index, shape: part.shape, changes: .net(changes))
        }
    }

    /// Has several writers store everything side by side, up to a checkpoint, and forgets it.
    mutating func storeApart(
        into target: any Transactor, at checkpoint: LinkCheckpoint, together: ([() throws -> Void]) throws -> Void
    ) throws {
        try target.storeApart(stored, at: checkpoint, rows: pool, together: together)
        clear()
    }

    /// Whether more than one binding has changes.
    var hasSeveral: Bool { parts.lazy.filter { $0.count > 0 }.prefix(2).count > 1 }

    /// Forgets everything that is buffered.
    mutating func clear() {
        for index in parts.indices where parts[index].count > 0 {
            parts[index].fold.removeAll()
            parts[index].keyless.removeAll()
            parts[index].log.removeAll(keepingCapacity: true)
            parts[index].lacksValues = false
            parts[index].count = 0
        }
        pool.removeAll()
        current = nil
        batchBytes = 0
        changes = 0
    }
}

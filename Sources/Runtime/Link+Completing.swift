import Connectors

/// Changes of tables that are read over rows which are there, or of which only some rows are read: all of them count.
extension Link {
    /// A row that the log names is not for a sweep to judge.
    func touch(_ event: ChangeEvent, in batch: ChangeBatch, _ binding: Int) {
        guard let keys = touched[binding] else { return }
        if event.newRow >= 0 { keys.insert(keyText(event.newRow, in: batch, binding)) }
        if event.oldRow >= 0 { keys.insert(keyText(event.oldRow, in: batch, binding)) }
        if keys.size > Link.heldBytes { abandonChunk(of: binding) }
    }

    /// An update that leaves values out, of a row that the destination may never have had: they are read from the source.
    /// Where it has none with the key any more, the row is taken away until the log shows why (see `follow`).
    func complete(
        _ event: ChangeEvent, in batch: ChangeBatch, number: Int32, sequence: Int64, _ binding: Int
    ) throws {
        var whole = event
        whole.hasUnchanged = false
        let oldRow = RowReference(batch: event.oldRow < 0 ? -1 : number, firstField: event.oldRow)
        let isFiltering = backfills.isFiltering(binding)
        guard let fetched = try fetch(event.newRow, in: batch, event, binding) else {
            abandonChunk(of: binding)
            if !oldRow.isNone { buffer.delete(oldRow, binding: binding) }
            buffer.delete(RowReference(batch: number, firstField: event.newRow), binding: binding)
            return
        }
        whole.newRow = 0
        if isFiltering { try hold(event, in: batch, as: whole, newFrom: fetched, sequence: sequence, binding) }
        let adopted = buffer.adopt(fetched)
        apply(whole, newRow: RowReference(batch: adopted, firstField: 0), oldRow: oldRow, binding)
    }

    /// Keeps a change of the adopted batch for the chunk in flight where it may belong on top of it: `copy`, with its new
    /// row in `newFrom`.
    func hold(
        _ event: ChangeEvent, in batch: ChangeBatch, as copy: ChangeEvent, newFrom: ChangeBatch, sequence: Int64,
        _ binding: Int
    ) throws {
        let id = event.transaction
        let old =
            event.oldRow < 0 ? nil : try backfills.admission(binding, row: event.oldRow, in: batch, transaction: id)
        let new =
            event.newRow < 0 ? nil : try backfills.admission(binding, row: event.newRow, in: batch, transaction: id)
        guard old == .hold || new == .hold, let held = held[binding] else { return }
        guard !copy.hasUnchanged || new != .hold || old == nil || old == .hold else {
            // It enters the chunk from where the values are that the log leaves out.
            return abandonChunk(of: binding)
        }
        held.append(
            copy.kind, newRow: new == .hold ? copy.newRow : -1, newFrom: newFrom,
            oldRow: old == .hold ? copy.oldRow : -1, oldFrom: batch, of: copy,
            shape: buffer.parts[binding].shape, position: transaction?.position ?? .zero,
            time: transaction?.time ?? 0, sequence: sequence)
        if held.size > Link.heldBytes { try relieve(binding, in: batch) }
    }
}

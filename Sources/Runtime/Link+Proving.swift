import Connectors

/// Rows that the log has still to prove.
extension Link {
    /// A value that the log left out is read from the source where the row's key is now. Whether the row that is there is the
    /// one that the change was about, the log shows within the position that the source has then (`UncertainRows`): each change
    /// of such a row up to there is followed here, to its next key, where it is read anew. Until then nothing is committed, so
    /// nobody sees a row that has another's values, or the gap of one that was deleted or moved (but see `ProofRound`). Returns whether the change was
    /// dealt with. `isLeftOut` is one that is outside of the binding's window.
    func follow(
        _ event: ChangeEvent, gapOf binding: Int, in batch: ChangeBatch, number: Int32, isLeftOut: Bool = false
    ) throws -> Bool {
        let before = keyText(event.oldRow >= 0 ? event.oldRow : event.newRow, in: batch, binding)
        let after = event.newRow < 0 ? before : keyText(event.newRow, in: batch, binding)
        guard let row = uncertain[before, binding] else {
            // Another row comes to the key: the one that was there has gone without a word, as by a TRUNCATE that is ignored.
            if after != before { uncertain.remove(after, binding) }
            return false
        }
        // It was read before the window's end, and so before this change.
        if isLeftOut, row.isWritten {
            uncertain.remove(before, binding)
            return false
        }
        guard event.newRow >= 0 else {
            uncertain.remove(before, binding)
            return !row.isWritten
        }
        let newRow = RowReference(batch: number, firstField: event.newRow)
        guard event.hasUnchanged else {
            uncertain.remove(before, binding)
            if after != before { uncertain.remove(after, binding) }
            guard !row.isWritten else { return false }
            if try admits(event, in: batch, binding) { apply(event, newRow: newRow, oldRow: .none, binding) }
            return true
        }
        guard after != before else {
            guard row.isWritten else { return true }
            if backfills.isFiltering(binding), backfills.isLive(binding) {
                let sequence = (transaction?.sequence ?? 1) - 1
                try hold(event, in: batch, as: event, newFrom: batch, sequence: sequence, binding)
                apply(event, newRow: newRow, oldRow: .none, binding)
            } else if try admits(event, in: batch, binding) {
                apply(event, newRow: newRow, oldRow: .none, binding)
            }
            return true
        }
        uncertain.remove(before, binding)
        let oldRow = row.isWritten ? RowReference(batch: number, firstField: event.oldRow) : RowReference.none
        if row.isWritten, backfills.isFiltering(binding) { abandonChunk(of: binding) }
        if try admits(event, in: batch, binding), let fetched = try fetch(event.newRow, in: batch, event, binding) {
            var event = event
            event.hasUnchanged = false
            apply(event, newRow: RowReference(batch: buffer.adopt(fetched), firstField: 0), oldRow: oldRow, binding)
        } else if !oldRow.isNone {
            buffer.delete(oldRow, binding: binding)
        }
        return true
    }

    private func admits(_ event: ChangeEvent, in batch: ChangeBatch, _ binding: Int) throws -> Bool {
        guard backfills.isFiltering(binding) else { return true }
        let admission = try backfills.admission(
            binding, row: event.newRow, in: batch, transaction: event.transaction)
        if admission == .hold { abandonChunk(of: binding) }
        return admission == .deliver || backfills.isLive(binding)
    }

    /// The row as the source has it under its key, to be followed from here on; nil where it has none.
    func fetch(
        _ row: Int32, in batch: ChangeBatch, _ event: ChangeEvent, _ binding: Int
    ) throws -> ChangeBatch? {
        let found = try backfills.fetchUnchanged(
            binding, row: row, in: batch, shape: batch.shapes[Int(event.shape)], transaction: event.transaction)
        uncertain.add(keyText(row, in: batch, binding), binding, found)
        return found.row
    }

    /// The log has come to `position`. Returns whether a commit is due that rows have kept from coming.
    ///
    /// A row that the source does not have, and of which the log does not say by then how it went, is left out: that is how the
    /// source is, but nobody has said so.
    func provesRows(_ transaction: UInt32?) -> Bool {
        guard hasGaps else { return false }
        let (missing, hasWaited) = uncertain.pass(position, transaction)
        for binding in Set(missing).sorted() {
            var event = RunEvent(.warning, task: spec.materialization, binding: name(of: binding), position: position)
            event.message =
                "rows are left out: an update left out a large value of theirs that the destination lacks, and the source has "
                + "no such rows any more, though its log does not show how they went (a TRUNCATE that advanced.truncate ignores, "
                + "a table that was dropped)"
            observer.record(event)
        }
        return hasWaited && !hasGaps && position > committed
    }
}

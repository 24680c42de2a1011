import Connectors

/// Events of the log on their way into the buffer.
extension Link {
    func process(_ batch: ChangeBatch) throws {
        if !backfills.isComplete || backfills.awaitedPosition != .zero { try backfills.adopt(batch) }
        var number = buffer.adopt(batch)
        let events = batch.events.elements
        var index = 0
        while index < events.count {
            let event = events[index]
            switch event.kind {
            case .insert, .update, .delete:
                guard transaction?.isSkipped == false else { break }
                try route(event, in: batch, number: number)
            case .begin:
                transaction = OpenTransaction(
                    id: event.transaction, position: event.position, time: event.time,
                    isSkipped: event.position < committed)
                backfills.began(event.transaction)
            case .commit:
                transaction = nil
                position = max(position, event.position)
            case .progress:
                position = max(position, event.position)
            case .shape:
                try follow(batch.shapes[Int(event.shape)])
                number = buffer.adopt(batch)
            case .truncate:
                let first = index
                while events[index].continues, index + 1 < events.count { index += 1 }
                if transaction?.isSkipped == false { try truncate(events[first...index], in: batch) }
                number = buffer.adopt(batch)
            }
            index += 1
        }
    }

    private func route(_ event: ChangeEvent, in batch: ChangeBatch, number: Int32) throws {
        let sequence = transaction?.sequence ?? 0
        transaction?.sequence = sequence + 1
        let newRow = RowReference(batch: event.newRow < 0 ? -1 : number, firstField: event.newRow)
        let oldRow = RowReference(batch: event.oldRow < 0 ? -1 : number, firstField: event.oldRow)
        for binding in bindingsOfTable[batch.shapes[Int(event.shape)].table] {
            if backfills.isFiltering(binding) {
                try filter(event, in: batch, number: number, sequence: sequence, binding)
            } else if buffer.parts[binding].isUpsert {
                apply(event, newRow: newRow, oldRow: oldRow, binding)
            } else {
                log(
                    event, row: event.kind == .delete ? oldRow : newRow, isDelete: event.kind == .delete,
                    sequence: sequence, binding)
            }
        }
    }

    /// Folds a change of which both sides that are given count.
    @inline(__always)
    func apply(_ event: ChangeEvent, newRow: RowReference, oldRow: RowReference, _ binding: Int) {
        if newRow.isNone {
            if !oldRow.isNone { buffer.delete(oldRow, binding: binding) }
        } else if event.kind == .insert {
            buffer.insert(newRow, binding: binding)
        } else {
            buffer.update(newRow, old: oldRow, hasUnchanged: event.hasUnchanged, binding: binding)
        }
    }

    func log(_ event: ChangeEvent, row: RowReference, isDelete: Bool, sequence: Int64, _ binding: Int) {
        let operation: Operation = isDelete ? .delete : event.kind == .insert ? .create : .update
        buffer.log(
            LoggedChange(
                operation: operation, row: row, rowIsKey: isDelete && event.oldRowIsKey,
                position: transaction?.position ?? event.position, sequence: sequence,
                time: transaction?.time ?? event.time, transaction: event.transaction),
            binding: binding)
    }

    // MARK: - Rows of a table that is still being read

    private func filter(
        _ event: ChangeEvent, in batch: ChangeBatch, number: Int32, sequence: Int64, _ binding: Int
    ) throws {
        let id = event.transaction
        let old =
            event.oldRow < 0 ? nil : backfills.admission(binding, row: event.oldRow, in: batch, transaction: id)
        let new =
            event.newRow < 0 ? nil : backfills.admission(binding, row: event.newRow, in: batch, transaction: id)
        var source = (batch: batch, number: number, newRow: event.newRow, event: event)
        // The row enters the copied range from outside it: the destination never had what the log leaves out.
        if event.hasUnchanged, let new, new != .skip, let old, old != new {
            let shape = batch.shapes[Int(event.shape)]
            if let fetched = try backfills.fetchUnchanged(binding, row: event.newRow, in: batch, shape: shape) {
                source.event.hasUnchanged = false
                source.batch = fetched
                source.newRow = 0
            }
        }
        if old == .hold || new == .hold {
            hold(
                source.event, old: old, new: new, newRow: source.newRow, newFrom: source.batch, oldFrom: batch,
                shape: batch.shapes[Int(event.shape)], sequence: sequence, binding)
        }
        guard old == .deliver || new == .deliver else { return }
        let newNumber = source.batch === batch ? number : buffer.adopt(source.batch)
        let newRow = new == .deliver ? RowReference(batch: newNumber, firstField: source.newRow) : .none
        let oldRow = old == .deliver ? RowReference(batch: number, firstField: event.oldRow) : .none
        if buffer.parts[binding].isUpsert {
            apply(source.event, newRow: newRow, oldRow: oldRow, binding)
        } else {
            log(event, row: newRow.isNone ? oldRow : newRow, isDelete: newRow.isNone, sequence: sequence, binding)
        }
    }

    private func hold(
        _ event: ChangeEvent, old: Admission?, new: Admission?, newRow: Int32, newFrom: ChangeBatch,
        oldFrom: ChangeBatch, shape: TableShape, sequence: Int64, _ binding: Int
    ) {
        guard let held = held[binding] else { return }
        held.append(
            event.kind, newRow: new == .hold ? newRow : -1, newFrom: newFrom,
            oldRow: old == .hold ? event.oldRow : -1, oldFrom: oldFrom, of: event, shape: shape,
            position: transaction?.position ?? .zero, time: transaction?.time ?? 0, sequence: sequence)
        if held.size > Link.heldBytes { abandonChunk(of: binding) }
    }

    // MARK: - Changes of whole tables

    /// The stream shows a table in another shape from here on.
    private func follow(_ shape: TableShape) throws {
        for binding in bindingsOfTable[shape.table] where !buffer.parts[binding].shape.isSame(as: shape) {
            try store()
            if !chunkShapes[binding].isSame(as: shape) {
                try abandonChunkAndWait(of: binding)
                chunkShapes[binding] = shape
            }
            try evolve(binding, to: shape)
            try buffer.setShape(shape, of: binding, binding: spec.bindings[binding])
        }
    }

    private func truncate(_ events: Slice<UnsafeBufferPointer<ChangeEvent>>, in batch: ChangeBatch) throws {
        try store()
        var emptied: [Int] = []
        for event in events {
            let sequence = transaction?.sequence ?? 0
            transaction?.sequence = sequence + 1
            for binding in bindingsOfTable[batch.shapes[Int(event.shape)].table] {
                if backfills.isFiltering(binding) {
                    try abandonChunkAndWait(of: binding)
                    changedStates.insert(binding)
                    guard backfills.truncated(binding, transaction: event.transaction) else { continue }
                }
                if buffer.parts[binding].isUpsert {
                    emptied.append(binding)
                    lockedUntilCommit.insert(binding)
                } else {
                    buffer.log(
                        LoggedChange(
                            operation: .truncate, row: .none, rowIsKey: false, position: transaction?.position ?? .zero,
                            sequence: sequence, time: transaction?.time ?? 0, transaction: event.transaction),
                        binding: binding)
                }
            }
        }
        if !emptied.isEmpty { try transactor.truncate(emptied) }
    }
}

import Connectors

/// Events of the log on their way into the buffer.
extension Link {
    /// Takes a batch's events in; leaves the rest of it for later where a signal has the log wait.
    func process(_ batch: ChangeBatch, from start: Int = 0) throws {
        if !backfills.isComplete || backfills.awaitedPosition != .zero { try backfills.adopt(batch) }
        var number = buffer.adopt(batch)
        let events = batch.events.elements
        var index = start
        while index < events.count {
            let event = events[index]
            switch event.kind {
            case .insert, .update, .delete:
                guard transaction?.isSkipped == false else { break }
                if !unfollowed.isEmpty, try takeUp(batch.shapes[Int(event.shape)]) { number = buffer.adopt(batch) }
                try route(event, in: batch, number: number)
            case .begin:
                transaction = OpenTransaction(
                    id: event.transaction, position: event.position, time: event.time,
                    isSkipped: event.position < committed)
                if !ahead.isEmpty {
                    try meetTables(at: event.position)
                    number = buffer.adopt(batch)
                }
                backfills.began(event.transaction, at: event.position, time: event.time)
                if hasWindows, event.position >= committed { look(at: event.time) }
            case .commit:
                lastTime = transaction?.time ?? lastTime
                let id = transaction?.id
                if transaction?.isSkipped == false { sourceTime = lastTime }
                let isSkipped = transaction?.isSkipped ?? true
                transaction = nil
                position = max(position, event.position)
                let isProven = provesRows(id)
                if isSkipped { signals.removeAll() }
                if try takeSignals() { return suspended = (batch, index + 1) }
                if isProven {
                    try commit()
                    number = buffer.adopt(batch)
                }
                if try meetOrCommit() { number = buffer.adopt(batch) }
            case .signal:
                signals.append(batch.notes[Int(event.note)])
                if transaction == nil, try takeSignals() { return suspended = (batch, index + 1) }
            case .progress:
                position = max(position, event.position)
                if event.time > 0 { sourceTime = event.time }
                if transaction == nil { _ = provesRows(nil) }
                if transaction == nil, try meetOrCommit() { number = buffer.adopt(batch) }
            case .note:
                for binding in bindingsOfTable[batch.shapes[Int(event.shape)].table] {
                    backfills.noted(binding, batch.notes[Int(event.note)])
                    changedStates.insert(binding)
                }
                pass(on: backfills.takeRemarks())
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

    /// Between two transactions of the log: lets go of tables that were ahead, and has several writers store what is much.
    /// Whether batches may have been let go of.
    private func meetOrCommit() throws -> Bool {
        if !ahead.isEmpty {
            try meetTables(at: position)
            return true
        }
        guard isDueApart, position > committed else { return false }
        try commit()
        return true
    }

    private func route(_ event: ChangeEvent, in batch: ChangeBatch, number: Int32) throws {
        let sequence = transaction?.sequence ?? 0
        transaction?.sequence = sequence + 1
        let newRow = RowReference(batch: event.newRow < 0 ? -1 : number, firstField: event.newRow)
        let oldRow = RowReference(batch: event.oldRow < 0 ? -1 : number, firstField: event.oldRow)
        for binding in bindingsOfTable[batch.shapes[Int(event.shape)].table] {
            if has(binding) { continue }
            if hasWindows, phases[binding] != .open {
                try leaveOut(event, in: batch, number: number, sequence: sequence, binding)
                continue
            }
            if buffer.parts[binding].isKeyless { try requireWhole(event, in: batch, binding) }
            if sweeps > 0 { touch(event, in: batch, binding) }
            if hasGaps, try follow(event, gapOf: binding, in: batch, number: number) { continue }
            if event.hasUnchanged, backfills.lacksRows(binding), buffer.parts[binding].isUpsert,
                !uncertain.isWhole(
                    keyText(event.oldRow >= 0 ? event.oldRow : event.newRow, in: batch, binding),
                    keyText(event.newRow, in: batch, binding), binding)
            {
                try complete(event, in: batch, number: number, sequence: sequence, binding)
            } else if backfills.isFiltering(binding) {
                try filter(event, in: batch, number: number, sequence: sequence, binding)
            } else if buffer.parts[binding].isUpsert {
                apply(event, newRow: newRow, oldRow: oldRow, binding)
            } else {
                log(
                    event, row: event.kind == .delete ? oldRow : newRow, before: oldRow,
                    isDelete: event.kind == .delete, sequence: sequence, binding)
            }
        }
    }

    /// Folds a change of which both sides that are given count.
    @inline(__always)
    func apply(_ event: ChangeEvent, newRow: RowReference, oldRow: RowReference, _ binding: Int) {
        if buffer.parts[binding].isKeyless {
            buffer.change(event.kind, from: oldRow, to: newRow, binding: binding)
        } else if newRow.isNone {
            if !oldRow.isNone { buffer.delete(oldRow, binding: binding) }
        } else if event.kind == .insert {
            buffer.insert(newRow, binding: binding)
        } else {
            buffer.update(newRow, old: oldRow, hasUnchanged: event.hasUnchanged, binding: binding)
        }
    }

    /// `before`: the row as it was, of an update that has it.
    func log(
        _ event: ChangeEvent, row: RowReference, before: RowReference, isDelete: Bool, sequence: Int64, _ binding: Int
    ) {
        let operation: Operation = isDelete ? .delete : event.kind == .insert ? .create : .update
        var change = LoggedChange(
            operation: operation, row: row, rowIsKey: isDelete && event.oldRowIsKey,
            position: transaction?.position ?? event.position, sequence: sequence,
            time: transaction?.time ?? event.time, transaction: event.transaction)
        if operation == .update { change.before = before }
        change.hasUnchanged = !isDelete && event.hasUnchanged
        buffer.log(change, binding: binding)
    }

    /// A row without a key is known by all of its values: one that the log shows a part of could be any.
    /// Before anything was read that does not matter: what is read is to contain it.
    private func requireWhole(_ event: ChangeEvent, in batch: ChangeBatch, _ binding: Int) throws {
        let hasOld = event.kind == .insert || (event.oldRow >= 0 && !event.oldRowIsKey)
        guard !hasOld || event.hasUnchanged else { return }
        let row = event.newRow >= 0 ? event.newRow : event.oldRow
        if backfills.isFiltering(binding), !backfills.isLive(binding), deliveries[binding] == nil,
            backfills.state(of: binding).rows == 0,
            try backfills.admission(binding, row: row, in: batch, transaction: event.transaction) == .skip
        {
            return
        }
        let shape = buffer.parts[binding].shape
        throw RunError(
            .needsOperator, operation: "follow", object: "table \(shape.namespace).\(shape.name)",
            message:
                "a change of it came without the row as it was before: its replica identity was not full then, and its "
                + "collection has no key to find the row by",
            hint: "ALTER TABLE … REPLICA IDENTITY FULL; then \(spec.bindings[binding].readingAnew(in: spec))",
            task: spec.materialization, binding: spec.bindings[binding].index)
    }

    // MARK: - Rows of a table that is still being read

    private func filter(
        _ event: ChangeEvent, in batch: ChangeBatch, number: Int32, sequence: Int64, _ binding: Int
    ) throws {
        let id = event.transaction
        let isUpsert = buffer.parts[binding].isUpsert
        if backfills.isLive(binding) {
            try hold(event, in: batch, as: event, newFrom: batch, sequence: sequence, binding)
            return apply(
                event, newRow: RowReference(batch: event.newRow < 0 ? -1 : number, firstField: event.newRow),
                oldRow: RowReference(batch: event.oldRow < 0 ? -1 : number, firstField: event.oldRow), binding)
        }
        var old: Admission? =
            event.oldRow < 0 ? nil : try backfills.admission(binding, row: event.oldRow, in: batch, transaction: id)
        var new: Admission? =
            event.newRow < 0 ? nil : try backfills.admission(binding, row: event.newRow, in: batch, transaction: id)
        if !isUpsert, let leaving = old, let entering = new, leaving != entering {
            return try filterSides(of: event, in: batch, number: number, sequence: sequence, binding)
        }
        // A log has each change once: where both rows were read, the new one stands for both.
        if !isUpsert, new == .deliver { old = nil }
        var event = event
        var newSource = (batch: batch, number: number)
        // The row enters the copied range from outside it: the destination never had what the log leaves out. Where it may
        // enter the chunk's, that is seen as the chunk is finished.
        var entersChunk = false
        // So it is with a row in doubt: what the destination has of it is not relied on.
        let isEntering = isUpsert && event.hasUnchanged && (old.map { $0 != new } ?? false)
        let isInDoubt = isUpsert && event.hasUnchanged && new == .deliver && backfills.isInDoubt(binding)
        if let entering = new, entering != .skip, isEntering || isInDoubt {
            if entering == .hold {
                entersChunk = true
            } else if let fetched = try fetch(event.newRow, in: batch, event, binding) {
                newSource = (fetched, buffer.adopt(fetched))
                event.newRow = 0
                event.hasUnchanged = false
            } else {
                if old == .hold {
                    abandonChunk(of: binding)
                    old = .skip
                }
                if old == nil { buffer.delete(RowReference(batch: number, firstField: event.newRow), binding: binding) }
                new = .skip
            }
        }
        if old == .hold || new == .hold {
            guard let held = held[binding] else { return }
            held.append(
                event.kind, newRow: new == .hold ? event.newRow : -1, newFrom: newSource.batch,
                oldRow: old == .hold || entersChunk ? event.oldRow : -1, oldFrom: batch, of: event,
                shape: batch.shapes[Int(event.shape)], position: transaction?.position ?? .zero,
                time: transaction?.time ?? 0, sequence: sequence)
            if held.size > Link.heldBytes { try relieve(binding, in: batch) }
        }
        let newRow =
            new == .deliver ? RowReference(batch: newSource.number, firstField: event.newRow) : RowReference.none
        let oldRow = old == .deliver ? RowReference(batch: number, firstField: event.oldRow) : RowReference.none
        guard !newRow.isNone || !oldRow.isNone else { return }
        if buffer.parts[binding].isUpsert {
            apply(event, newRow: newRow, oldRow: oldRow, binding)
        } else {
            log(
                event, row: newRow.isNone ? oldRow : newRow,
                before: RowReference(batch: event.oldRow < 0 ? -1 : number, firstField: event.oldRow),
                isDelete: newRow.isNone, sequence: sequence, binding)
        }
    }

    /// An update in a log that takes a row from where rows were read to where they were not, or the other way, or to where that is not
    /// known yet: it is a delete of the old row and an insert of the new one, each with a number of its own, of which only what
    /// lies where rows were read is kept.
    ///
    /// Invariant: the rows read, plus inserts, minus deletes, are the source's, whatever becomes of a chunk in flight.
    private func filterSides(
        of event: ChangeEvent, in batch: ChangeBatch, number: Int32, sequence: Int64, _ binding: Int
    ) throws {
        var left = event
        left.kind = .delete
        left.newRow = -1
        try filter(left, in: batch, number: number, sequence: sequence, binding)
        var entered = event
        entered.kind = .insert
        entered.oldRow = -1
        try filter(entered, in: batch, number: number, sequence: sequence + 1, binding)
        let next = max(transaction?.sequence ?? 0, sequence + 2)
        transaction?.sequence = next
    }

    func keyText(_ row: Int32, in batch: ChangeBatch, _ binding: Int) -> [[UInt8]?] {
        buffer.parts[binding].keyColumns.map { column in
            batch.value(batch.fields[Int(row) + column]).map { Array($0) }
        }
    }

    // MARK: - Changes of whole tables

    private func truncate(_ events: Slice<UnsafeBufferPointer<ChangeEvent>>, in batch: ChangeBatch) throws {
        try store()
        var emptied: [Int] = []
        for event in events {
            let sequence = transaction?.sequence ?? 0
            transaction?.sequence = sequence + 1
            for binding in bindingsOfTable[batch.shapes[Int(event.shape)].table]
            where phases[binding] == .open && !has(binding) {
                if touched[binding] != nil { try abandonChunkAndWait(of: binding) }
                if backfills.isFiltering(binding) {
                    try abandonChunkAndWait(of: binding)
                    changedStates.insert(binding)
                    guard backfills.truncated(binding, transaction: event.transaction) else { continue }
                }
                uncertain.removeAll(of: binding)
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

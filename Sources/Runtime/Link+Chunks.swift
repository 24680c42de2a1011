import Connectors

/// Backfill chunks as the link's thread sees them: opened at any batch's end, finished between two transactions.
extension Link {
    func handle(_ message: LinkMailbox.Message) throws {
        switch message {
        case .wantsChunk(let desk):
            waitingDesks.append(desk)
        case .bounded(let delivery):
            if !delivery.isAbandoned { backfills.bound(delivery.chunk) }
        case .ready(let delivery):
            if delivery.isAbandoned {
                discard(delivery)
            } else {
                ready.append(delivery)
            }
        case .gaveUp(let delivery, let shape):
            let binding = delivery.chunk.binding
            // One that was given up here is read anew: what it found may be older than what the log has shown since.
            let found = delivery.isAbandoned ? nil : shape
            if !delivery.isAbandoned { forget(delivery) }
            delivery.settle()
            deliveries[binding] = nil
            if backfills.hasSignals || backfills.isLive(binding) { changedStates.insert(binding) }
            if let found { wait(for: found, of: binding, until: delivery.chunk.awaited) }
        }
    }

    /// Gives waiting readers chunks to read, or sends them home when every row has been copied.
    func answerDesks() {
        while let desk = waitingDesks.first {
            if backfills.isAtRest {
                desk.reply(.nothingLeft)
                readers -= 1
            } else if ahead.isEmpty,
                let chunk = backfills.openChunk(
                    at: position, excluding: busyBindings.union(shapesAhead.keys).union(childrenOfPartial))
            {
                let binding = chunk.binding
                let delivery = ChunkDelivery(chunk: chunk, shape: chunkShapes[binding])
                deliveries[binding] = delivery
                if chunk.kind == .sweep {
                    touched[binding] = TouchedKeys()
                    sweeps += 1
                } else {
                    held[binding] = HeldChanges()
                }
                if chunk.kind != .sweep, backfills.state(of: binding).rows == 0 {
                    var event = RunEvent(.backfillStarted, task: spec.materialization, binding: name(of: binding))
                    event.totalRowsEstimate = backfills.state(of: binding).estimatedRows
                    observer.record(event)
                }
                desk.reply(.read(delivery))
            } else {
                return
            }
            waitingDesks.removeFirst()
        }
    }

    /// Bindings whose tables refer to one that is not all there.
    private var childrenOfPartial: [Int] {
        parents.indices.filter { binding in
            parents[binding].contains { [.pending, .backfilling].contains(backfills.state(of: $0).phase) }
        }
    }

    /// Bindings that can't have a chunk opened now.
    var busyBindings: Set<Int> {
        var busy = lockedUntilCommit
        for (index, delivery) in deliveries.enumerated() where delivery != nil { busy.insert(index) }
        return busy
    }

    /// Puts complete chunks into the destination, if the link is between two transactions, and as far as it is.
    func finishReadyChunks() throws {
        guard transaction == nil, !ready.isEmpty, nextDue != nil, maySettle else { return }
        try commitIfNeeded()
        while let index = nextDue {
            let delivery = ready.remove(at: index)
            if delivery.isAbandoned {
                discard(delivery)
            } else {
                try finish(delivery)
            }
        }
    }

    /// The place of a chunk that can be finished at the link's position.
    var nextDue: Int? { ready.firstIndex { $0.isAbandoned || $0.chunk.awaited <= position } }

    private func finish(_ delivery: ChunkDelivery) throws {
        let chunk = delivery.chunk
        let binding = chunk.binding
        guard let writer = delivery.writer else { return }
        defer {
            letGo(of: binding)
            deliveries[binding] = nil
            delivery.settle()
        }
        let state = backfills.stateIncluding(chunk)
        do {
            try writer.merge(binding)
            guard try chunk.isPassedOver || storeHeld(of: chunk, into: writer) else {
                writer.abandon()
                backfills.abandoned(chunk)
                return
            }
            if chunk.completes { status.unanswered[spec.bindings[binding].index] = state }
            try writer.commit(
                binding, state: state, isLast: chunk.isLast, signals: backfills.signalsIncluding(chunk))
            status.unanswered[spec.bindings[binding].index] = nil
        } catch {
            writer.abandon()
            throw error
        }
        backfills.finished(chunk)
        phases[binding] = backfills.phase(of: binding)
        pass(on: backfills.takeRemarks())
        report(chunk.completes ? .backfillCompleted : .backfillProgress, of: binding, state)
    }

    /// Removes the rows that a sweep found absent at the source and that no change since then was about.
    private func removeAbsent(_ chunk: Chunk, with writer: any ChunkWriter) throws {
        let binding = chunk.binding
        let shape = buffer.parts[binding].shape
        let keys = touched[binding].map { Array($0.keys) } ?? []
        guard let rows = try backfills.absentRows(of: chunk, touched: keys, shape: shape) else { return }
        let number = buffer.adopt(rows)
        for event in rows.events.elements {
            buffer.delete(RowReference(batch: number, firstField: event.oldRow), binding: binding)
        }
        try storeBuffer(into: writer)
    }

    /// Puts the held changes on top of the chunk; false where one of them can't be known (the chunk is read again then).
    private func storeHeld(of chunk: Chunk, into writer: any ChunkWriter) throws -> Bool {
        if chunk.kind == .sweep {
            try removeAbsent(chunk, with: writer)
            return true
        }
        guard let held = held[chunk.binding], !held.changes.isEmpty else { return true }
        let binding = chunk.binding
        let isUpsert = spec.bindings[binding].mode == .upsert
        let batch = held.rows
        var number = buffer.adopt(batch)
        for (place, change) in held.changes.enumerated() {
            var event = change.event
            let hasNew = try belongs(event.newRow, of: event, in: batch, binding)
            let hasOld = try belongs(event.oldRow, of: event, in: batch, binding)
            let oldRow = RowReference(batch: number, firstField: event.oldRow)
            var newRow = RowReference(batch: number, firstField: event.newRow)
            if isUpsert, event.hasUnchanged, hasNew, event.oldRow >= 0, !hasOld {
                // It enters the chunk's range from outside: what the log leaves out was never at the destination.
                guard let fetched = try foundAsLeft(event, in: held, after: place, binding) else {
                    buffer.clear()
                    return false
                }
                event.hasUnchanged = false
                newRow = RowReference(batch: buffer.adopt(fetched), firstField: 0)
                number = buffer.adopt(batch)
            }
            if isUpsert {
                apply(event, newRow: hasNew ? newRow : .none, oldRow: hasOld ? oldRow : .none, binding)
            } else if hasNew || hasOld {
                // As in `filterSides`.
                if hasNew, event.oldRow >= 0, !hasOld { event.kind = .insert }
                log(
                    event, row: hasNew ? newRow : oldRow, before: oldRow, isDelete: !hasNew, sequence: change.sequence,
                    binding)
            }
        }
        try storeBuffer(into: writer)
        return true
    }

    /// The row of a held change, whole, if the source has it as the change's transaction left it: nobody wrote it since, and
    /// it was that row if the transaction did not take it from its key again. Else nil: the log would have to show more.
    private func foundAsLeft(
        _ event: ChangeEvent, in held: HeldChanges, after place: Int, _ binding: Int
    ) throws -> ChangeBatch? {
        let key = keyText(event.newRow, in: held.rows, binding)
        for later in held.changes[(place + 1)...].lazy.map(\.event) where later.transaction == event.transaction {
            if later.oldRow >= 0, keyText(later.oldRow, in: held.rows, binding) == key { return nil }
        }
        let found = try backfills.fetchUnchanged(
            binding, row: event.newRow, in: held.rows, shape: held.rows.shapes[Int(event.shape)],
            transaction: event.transaction)
        return found.transaction == event.transaction ? found.row : nil
    }

    private func belongs(
        _ row: Int32, of event: ChangeEvent, in held: ChangeBatch, _ binding: Int
    ) throws -> Bool {
        guard row >= 0 else { return false }
        return try backfills.belongs(binding, row: row, in: held, transaction: event.transaction)
    }

    private func report(_ kind: RunEvent.Kind, of binding: Int, _ state: BindingCheckpoint) {
        var event = RunEvent(kind, task: spec.materialization, binding: name(of: binding))
        event.rows = state.rows
        event.bytes = state.bytes
        event.totalRowsEstimate = state.estimatedRows
        observer.record(event)
        guard state.phase == .streaming else { return }
        observer.record(
            RunEvent(.streaming, task: spec.materialization, binding: name(of: binding), position: position))
    }

    /// Says that backfills are complete whose last commit took effect in an earlier session, and was not answered.
    /// `states`: what these commits had, by the bindings' indexes in the materialization's list.
    func report(unanswered states: [Int: BindingCheckpoint]) {
        for (binding, place) in spec.bindings.enumerated() {
            guard let state = states[place.index],
                transactor.checkpoint(of: binding)?.backfill == state.backfill
            else { continue }
            report(.backfillCompleted, of: binding, state)
        }
    }

    // MARK: - Giving chunks up

    /// Too much is held, or the table changes: the chunk will be read again.
    func abandonChunk(of binding: Int) {
        guard let delivery = deliveries[binding], !delivery.isAbandoned else { return }
        delivery.abandon()
        forget(delivery)
    }

    /// Much is held for the binding's chunk. Where giving it up would only have the same chunk read again, for ever under
    /// steady traffic, the log waits at the source until the chunk has been read: its reader needs nothing of this thread
    /// meanwhile.
    func relieve(_ binding: Int, in batch: ChangeBatch) throws {
        guard !backfills.canShrink(binding), let size = held[binding]?.size, size <= Link.mostHeldBytes else {
            return abandonChunk(of: binding)
        }
        var hasWaited = false
        while let delivery = deliveries[binding], !delivery.isAbandoned, !ready.contains(where: { $0 === delivery }) {
            hasWaited = true
            guard let message = mailbox.nextMessage(about: binding, wait: 1000) else { continue }
            try handle(message)
        }
        // The chunk's bounds are known now, and the batch's rows were not compared with them.
        if hasWaited { try backfills.adopt(batch) }
    }

    /// Gives the binding's chunk up and waits until its writer has let go of the table.
    func abandonChunkAndWait(of binding: Int) throws {
        abandonChunk(of: binding)
        ready.removeAll { delivery in
            guard delivery.chunk.binding == binding else { return false }
            discard(delivery)
            return true
        }
        while deliveries[binding] != nil {
            if let message = mailbox.nextMessage(about: binding, wait: 1000) { try handle(message) }
        }
    }

    func abandonAllChunks() {
        for binding in deliveries.indices { abandonChunk(of: binding) }
        for delivery in ready { discard(delivery) }
        ready.removeAll()
    }

    private func forget(_ delivery: ChunkDelivery) {
        letGo(of: delivery.chunk.binding)
        backfills.abandoned(delivery.chunk)
    }

    private func letGo(of binding: Int) {
        held[binding] = nil
        if touched[binding] != nil { sweeps -= 1 }
        touched[binding] = nil
    }

    private func discard(_ delivery: ChunkDelivery) {
        delivery.writer?.abandon()
        deliveries[delivery.chunk.binding] = nil
        delivery.settle()
    }
}

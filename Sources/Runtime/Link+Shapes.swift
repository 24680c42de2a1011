import Connectors

/// Which columns are where. A table has three shapes at once: rows of the log have the one of then (`buffer`), a chunk's rows the one
/// that its reader found, and the destination's table the one that it was prepared for.
///
/// Invariants:
/// - The destination's shape never goes back. It is the log's, or one that the source had before a position which the link has passed:
///   every row of an older shape is before that, since who writes a row and who changes the table wait for each other.
/// - A chunk is opened only while `chunkShapes` is the destination's shape, and counts only if its reader found the table in that.
/// - A table that is read from its first row on, in whichever run, has the shape of then as that begins: the log's rows from before are
///   in what is read, so no shape from before is taken up, nor one of a transaction that the destination has. So what a table was like
///   for a while keeps nobody from going on who has it read again.
///
/// So a reader that finds another shape gives its chunk up, and the table is read on when the log has come to where that was. A log
/// that waits for the table (a blocking signal) goes on for it.
extension Link {
    /// A shape of the source that the log has not shown.
    struct ShapeAhead {
        var shape: TableShape
        /// The log has no row of an older shape from here on.
        var until: LogPosition
    }

    // MARK: - What the log shows

    /// The stream shows a table in another shape from here on.
    func follow(_ shape: TableShape) throws {
        for binding in bindingsOfTable[shape.table] {
            if has(binding) {
                ahead[binding]?.shape = shape
            } else if isPast(binding) {
                unfollowed.insert(binding)
                if transaction?.isSkipped != true { try place(shape, binding) }
            } else {
                try follow(shape, binding)
            }
        }
    }

    func follow(_ shape: TableShape, _ binding: Int) throws {
        guard phases[binding] != .over else { return }
        let known = buffer.parts[binding].shape
        let isAwaited = shapesAhead[binding]?.shape.isSame(as: shape) == true
        guard isAwaited || unfollowed.contains(binding) || !known.isSame(as: shape) || known.types != shape.types else {
            return
        }
        unfollowed.remove(binding)
        takenUp.remove(binding)
        // Where the source has a newer one, the next reader finds that.
        shapesAhead[binding] = nil
        try store()
        if try backfills.follows(binding, shape) { try abandonChunkAndWait(of: binding) }
        if !chunkShapes[binding].isSame(as: shape) {
            try abandonChunkAndWait(of: binding)
            chunkShapes[binding] = shape
        }
        try commitWhole()
        try evolve(binding, to: shape)
        try buffer.setShape(shape, of: binding, binding: spec.bindings[binding])
    }

    /// A table that can't take a new shape stops the link. What the log has from before must not wait in it then: whoever does what the
    /// link asks for makes the table fit for the new shape alone. So that is committed first, where the open transaction has shown
    /// nothing yet.
    private func commitWhole() throws {
        guard let transaction, transaction.sequence == 0, !hasGaps, ahead.isEmpty else { return }
        try commitIfNeeded()
    }

    /// Whether what the log shows of the binding's table now is not newer than what the destination has.
    private func isPast(_ binding: Int) -> Bool {
        guard let transaction else { return takenUp.contains(binding) }
        return transaction.isSkipped || transaction.position < (readFrom[binding] ?? .zero)
    }

    /// Rows come in a shape that the destination's table has already, or has had.
    private func place(_ shape: TableShape, _ binding: Int) throws {
        guard phases[binding] != .over else { return }
        try store()
        if try backfills.follows(binding, shape) { try abandonChunkAndWait(of: binding) }
        try buffer.setShape(shape, of: binding, binding: spec.bindings[binding])
    }

    /// A row of a table comes that counts: its shape does too, where that was shown before. Whether batches may have been let go of.
    func takeUp(_ shape: TableShape) throws -> Bool {
        var isTaken = false
        for binding in bindingsOfTable[shape.table]
        where unfollowed.contains(binding) && !isPast(binding) && !has(binding) {
            try follow(shape, binding)
            isTaken = true
        }
        return isTaken
    }

    /// A row that lacks a value where the source's own column can't: it is from before that was so, and so the source's rows are others
    /// by now. What is read of them has all values.
    func gap(behind error: RunError) -> LogGap? {
        guard let column = error.rowFault?.nullColumn,
            let binding = spec.bindings.indices.first(where: { spec.bindings[$0].index == error.binding }),
            spec.bindings[binding].isMendedByReading,
            buffer.parts[binding].shape.columns.contains(where: {
                $0.isNotNull && spec.bindings[binding].destinationName(of: $0.name).isSameName(as: column)
            })
        else { return nil }
        return LogGap(.rows, "its column \"\(column)\" was NULL in rows before it was NOT NULL, and the log has those")
    }

    // MARK: - What the log has not shown

    /// No chunk of the binding is read before the log has come to a position; the destination's table gets the shape then.
    func wait(for shape: TableShape, of binding: Int, until position: LogPosition) {
        shapesAhead[binding] = ShapeAhead(shape: shape, until: position)
        awaitShapes()
    }

    /// Has tables that are read wait for the log, where it has to come to a shape of theirs first.
    func awaitShapes() {
        for (binding, found) in shapesAhead where found.until > position && backfills.isReading(binding) {
            backfills.waitForLog(binding, until: found.until)
            changedStates.insert(binding)
        }
    }

    /// Gives the destination's tables the shapes that the log has come to. Between two transactions.
    func takeUpShapes() throws {
        guard transaction == nil, ahead.isEmpty, !shapesAhead.isEmpty else { return }
        for (binding, found) in shapesAhead.sorted(by: { $0.key < $1.key })
        where found.until <= position && backfills.isReading(binding) {
            try abandonChunkAndWait(of: binding)
            try store()
            try evolve(binding, to: found.shape)
            chunkShapes[binding] = found.shape
            shapesAhead[binding] = nil
            takenUp.insert(binding)
            lockedUntilCommit.insert(binding)
            if !hasGaps { try commit() }
        }
    }

    private func evolve(_ binding: Int, to shape: TableShape) throws {
        let statements = try transactor.evolve(binding, to: shape)
        try backfills.evolved(binding, to: shape)
        changedStates.insert(binding)
        guard !statements.isEmpty else { return }
        lockedUntilCommit.insert(binding)
        var event = RunEvent(
            .schemaChange, task: spec.materialization, binding: name(of: binding), position: position)
        event.sql = statements
        observer.record(event)
    }
}

import Connectors

/// Values that updates left out, for append-only tables whose destination wants them looked up (`advanced.toast: lookup`).
///
/// Invariant: a row gets a value only where it is certain to be the one that the row had as the change was made (`UnchangedFill`,
/// `LinkBackfills.rowsLeft`). Else it stays left out, and is named. Nothing waits for a value that isn't certain yet.
extension Link {
    /// Rows that the source is asked for at once: fewer where they are large.
    private static let mostQuestions = 128
    private static let answerBytes = 2 << 20

    /// Whether values of what is buffered are to be looked up.
    var hasLookUps: Bool {
        spec.bindings.indices.contains(where: looksUp)
    }

    /// Stores everything that is buffered, and forgets it.
    func storeBuffer(into target: any RowStore) throws {
        let parts = buffer.stored
        let lacking = hasLookUps ? parts.filter { looksUp($0.binding) } : []
        try target.store(lacking.isEmpty ? parts : parts.filter { !looksUp($0.binding) }, rows: buffer.pool)
        for part in lacking {
            guard case .logged(let changes) = part.changes else { continue }
            try storeFilled(changes, of: part, into: target)
        }
        buffer.clear()
    }

    private func looksUp(_ binding: Int) -> Bool {
        spec.bindings[binding].looksUpUnchanged && buffer.parts[binding].lacksValues
    }

    /// A slice at a time, so that what is looked up is bounded.
    private func storeFilled(
        _ changes: ContiguousArray<LoggedChange>, of part: StoredPart, into target: any RowStore
    ) throws {
        let pool = buffer.pool
        let fill = UnchangedFill(
            changes, of: part.shape, for: spec.bindings[part.binding], rows: pool, open: transaction?.position)
        var most = 8
        var start = 0
        while start < changes.count {
            let (end, questions) = fill.slice(from: start, most: most)
            let answers =
                questions.isEmpty
                ? nil
                : try backfills.rowsLeft(part.binding, as: questions, columns: fill.columns, shape: part.shape)
            let filled = ChangeBatch(byteCapacity: 1 << 12)
            let number = pool.add(filled)
            let slice = fill.changes(
                start..<end, questions, answers, rows: pool, filled: filled, number: number)
            try target.store(
                [StoredPart(binding: part.binding, shape: part.shape, changes: .logged(slice))], rows: pool)
            pool.removeLast()
            start = end
            if let size = answers?.rows.size {
                most = size > Link.answerBytes ? max(1, most / 4) : min(Link.mostQuestions, most * 2)
            }
        }
    }
}

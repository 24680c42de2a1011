import Connectors

/// Bindings that take a part of their table's history only: `notBefore` and `notAfter`.
extension Link {
    /// A transaction that the destination lacks begins.
    func look(at time: Int64) {
        let changed = backfills.passed(time: time)
        guard !changed.isEmpty else { return }
        changedStates.formUnion(changed)
        for binding in changed { phases[binding] = backfills.phase(of: binding) }
        pass(on: backfills.takeRemarks())
    }

    /// A change outside of its binding's window is not written. Before it, one that rows lack which are being read within the
    /// window goes on top of those all the same; and one that says what became of a row in a gap fills that.
    func leaveOut(
        _ event: ChangeEvent, in batch: ChangeBatch, number: Int32, sequence: Int64, _ binding: Int
    ) throws {
        if hasGaps, try follow(event, gapOf: binding, in: batch, number: number, isLeftOut: true) { return }
        guard phases[binding] == .waiting, backfills.isFiltering(binding), backfills.isLive(binding) else { return }
        try hold(event, in: batch, as: event, newFrom: batch, sequence: sequence, binding)
    }
}

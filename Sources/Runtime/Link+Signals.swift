import Connectors

/// Operators' signals: taken between two transactions, at their place in the log, and recorded by the commit that passes it.
extension Link {
    /// Takes the signals that came since the last time; whether the log is to wait from here on.
    func takeSignals() throws -> Bool {
        guard !signals.isEmpty else { return false }
        for signal in signals {
            for binding in try backfills.take(signal, at: position) {
                abandonChunk(of: binding)
                changedStates.insert(binding)
            }
        }
        signals.removeAll()
        if !hasGaps { try begin() }
        passOnSignals()
        return holdsLog
    }

    /// Whether the log waits for rows that are read. Not while tables are further than the link: only the log brings it to where
    /// they can be read.
    var holdsLog: Bool { backfills.holdsLog && ahead.isEmpty }

    /// Begins what signals ask for and whose turn has come, records what became of others, and has readers for it. What is uncertain
    /// keeps it no more than a chunk: the commit that says so is a round's end.
    func beginSignalled() throws {
        guard transaction == nil, maySettle else { return }
        try begin()
        passOnSignals()
        if backfills.hasSignals { try commit() }
        if readers == 0, !backfills.isAtRest, let summonReaders {
            target = nil
            readers = try summonReaders()
        }
    }

    private func begin() throws {
        // A chunk of a table that has later changes already would be taken for one that lacks them.
        guard ahead.isEmpty else { return }
        let parked = Set(transactor.parked.keys)
        let begun = try backfills.beginSignalled(excluding: busyBindings, parked: parked, mayHoldLog: !hasGaps) {
            buffer.parts[$0].shape
        }
        for binding in begun {
            changedStates.insert(binding)
            target = nil
            status.isCaughtUp = false
        }
        if !begun.isEmpty { awaitShapes() }
    }

    private func passOnSignals() {
        for message in backfills.takeSignalRemarks() {
            var event = RunEvent(.warning, task: spec.materialization, position: position)
            event.message = message
            observer.record(event)
        }
    }
}

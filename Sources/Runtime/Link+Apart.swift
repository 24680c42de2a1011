import Connectors

/// Several writers: what a link has from whole source transactions is stored by table, side by side, and then the link's own
/// commit follows.
///
/// Invariants:
/// - A part is committed together with how far its table is. So a table is at the link's position, or at that of the one commit
///   that was cut off, where the link has nothing else.
/// - Only changes of rows go apart. A change of a table's shape, a TRUNCATE, a signal or a change of a binding's state is in the
///   link's own transaction, with the rows that it comes with.
/// - What the log has up to a table's position is never stored there again, however many writers there are now.
extension Link {
    /// Fewer changes are cheaper in one transaction.
    private static let apartChanges = 1000

    /// A table whose rows are further than the link: a writer's commit was the last thing that a run did there.
    struct Ahead {
        var position: LogPosition
        /// The shape that the log has shown since; taken up as the link comes to the position.
        var shape: TableShape?
    }

    /// Tables that are further than the link as it begins, by binding.
    static func ahead(_ transactor: any Transactor, _ spec: LinkSpec) -> [Int: Ahead] {
        var found: [Int: Ahead] = [:]
        for binding in spec.bindings.indices {
            found[binding] = transactor.ahead(of: binding).map { Ahead(position: $0.position) }
        }
        return found
    }

    /// Whether the table has the open transaction of the log already, by a commit that was cut off.
    func has(_ binding: Int) -> Bool {
        guard !ahead.isEmpty, let place = ahead[binding]?.position else { return false }
        return (transaction?.position ?? position) < place
    }

    /// Lets go of tables that the link has come to: everything before `place` has been looked at. Batches may have been let
    /// go of then.
    func meetTables(at place: LogPosition) throws {
        for (binding, table) in ahead.sorted(by: { $0.key < $1.key }) where table.position <= place {
            ahead[binding] = nil
            if let shape = table.shape { try follow(shape, binding) }
        }
    }

    /// Whether what is buffered may be stored by several writers.
    func mayStandApart(_ states: [Int: BindingCheckpoint]) -> Bool {
        transactor.writers > 1 && buffer.changes >= Link.apartChanges && buffer.hasSeveral && ahead.isEmpty
            && states.isEmpty && !backfills.hasSignals && !transactor.isOpen && !hasLookUps
    }

    /// Whether a commit is due in the middle of a batch: at its end another transaction may be open, which would have all rows
    /// stored by one writer. Not while rows of the batch have been compared with what backfills have read.
    var isDueApart: Bool {
        transactor.writers > 1 && ahead.isEmpty && !hasGaps && (isBufferFull || transactor.isOpen)
            && backfills.isComplete && backfills.awaitedPosition == .zero
    }

    /// Runs each body on a thread of its own. Of several errors the one that tries won't mend is thrown.
    static func together(_ bodies: [() throws -> Void]) throws {
        let results = ThreadGroup.map(Array(bodies.indices)) { index in Result { try bodies[index]() } }
        guard results.count == bodies.count else {
            throw RunError(.transient, operation: "start threads", object: "the writers", message: "there are too many")
        }
        let errors = results.compactMap { result -> (any Error)? in
            if case .failure(let error) = result { error } else { nil }
        }
        guard let first = errors.first else { return }
        let known = errors.compactMap { $0 as? RunError }
        throw known.first { $0.kind == .fenced } ?? known.first { !$0.isPassing } ?? first
    }
}

import Connectors

/// What a binding begins with: what the destination keeps of it, or what the catalog asks for since.
///
/// The counters of a binding only grow. The capture's raised: the table is read again over what is there. The
/// materialization's raised: the destination's table is emptied first, which takes leave.
struct BindingStart {
    var state: BindingCheckpoint
    /// The destination's table is emptied first.
    var isRebuilt = false

    /// `recorded` is what the destination keeps; nil where that is nothing. Throws `needsOperator` where the binding can't
    /// go on from it.
    init(
        _ binding: LinkBinding, of link: LinkSpec, recorded: BindingCheckpoint?, estimatedRows: Int64?, mayDestroy: Bool
    ) throws {
        func refusal(_ message: String, _ hint: String) -> RunError {
            RunError(
                .needsOperator, operation: "attach", object: "table \(binding.schema).\(binding.name)",
                message: message,
                hint: hint, task: link.materialization, binding: binding.index)
        }
        guard let recorded = recorded.map({ BindingStart.withBoth($0, binding) }) else {
            state = BindingStart.fresh(binding, estimatedRows)
            return
        }
        for (task, known, now) in [
            ("capture \(link.capture)", recorded.backfillCounter, binding.backfillCounter),
            ("materialization \(link.materialization)", recorded.rebuildCounter ?? 0, binding.rebuildCounter),
        ] where now < known {
            throw refusal(
                "`backfill` of its binding in \(task) was \(known) and is now \(now): it never goes down",
                "set it to \(known), or higher to have the table read again")
        }
        if let known = recorded.rebuildCounter, binding.rebuildCounter > known {
            guard mayDestroy else {
                throw refusal(
                    "`backfill` of its binding in materialization \(link.materialization) was raised, which empties the "
                        + "table before it is read again",
                    "apply with --allow-destructive; or set it back to \(known) and raise `backfill` of the table's "
                        + "binding in capture \(link.capture), which keeps what is there until it is replaced")
            }
            state = BindingStart.fresh(binding, estimatedRows)
            isRebuilt = true
            return
        }
        state = recorded
        state.backfillCounter = binding.backfillCounter
        if BindingStart.isReadAgain(binding, recorded) {
            state.isReadAgain = true
            state.phase = .backfilling
            state.estimatedRows = estimatedRows
        } else if recorded.phase == .detached {
            throw refusal(
                "its binding was out of the catalog, or disabled, while the others went on: changes since then are "
                    + "missing in it", "have it read again: \(binding.readingAgain(in: link))")
        }
    }

    /// Whether the catalog asks for a table that the destination has rows of to be read from its beginning.
    static func isReadAgain(_ binding: LinkBinding, _ recorded: BindingCheckpoint) -> Bool {
        guard recorded.phase != .pending else { return false }
        let recorded = withBoth(recorded, binding)
        return binding.backfillCounter > recorded.backfillCounter
            || recorded.rebuildCounter.map { binding.rebuildCounter > $0 } ?? false
    }

    /// An older version kept the sum of both counters: the materialization's is taken as it is now.
    private static func withBoth(_ recorded: BindingCheckpoint, _ binding: LinkBinding) -> BindingCheckpoint {
        guard recorded.rebuildCounter == nil else { return recorded }
        var recorded = recorded
        recorded.rebuildCounter = binding.rebuildCounter
        recorded.backfillCounter = max(0, recorded.backfillCounter - binding.rebuildCounter)
        return recorded
    }

    private static func fresh(_ binding: LinkBinding, _ estimatedRows: Int64?) -> BindingCheckpoint {
        BindingCheckpoint(
            phase: binding.skipsBackfill ? .streaming : .pending, backfillCounter: binding.backfillCounter,
            rebuildCounter: binding.rebuildCounter, estimatedRows: estimatedRows)
    }
}

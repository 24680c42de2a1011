import Connectors

/// What the capture's records at a destination, which are opaque there, say.
extension PostgresCapture {
    /// What the log lacks that a table is being mended for, by the record of it that a destination keeps; nil where it isn't.
    public static func gap(in state: BindingCheckpoint) -> LogGap? {
        (try? BackfillState(text: state.backfill))?.gap
    }

    /// Whether one of a link's signals has a destination's table read again, and somebody has paused that.
    public static func isPaused(schema: String, table: String, in signals: [SignalRecord]) -> Bool {
        signals.lazy.filter { !$0.state.isFinal }.compactMap { SnapshotSignal($0, bindings: []) }.contains { signal in
            signal.items.contains { item in
                item.state == .paused && item.isBegun && item.schema?.isSameName(as: schema) == true
                    && item.name?.isSameName(as: table) == true
            }
        }
    }
}

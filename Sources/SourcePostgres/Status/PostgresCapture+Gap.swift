import Connectors

extension PostgresCapture {
    /// What the log lacks that a table is being mended for, by the record of it that a destination keeps; nil where it isn't.
    public static func gap(in state: BindingCheckpoint) -> LogGap? {
        (try? BackfillState(text: state.backfill))?.gap
    }
}

/// How far a link is: kept by the destination, in the transaction that holds the rows.
public struct LinkCheckpoint: Sendable {
    /// The end of the last whole transaction applied (or a later place up to which there was nothing to apply).
    public var position: LogPosition
    /// Which log the position belongs to, opaque to the destination: the source's identity, slot, and what the capture
    /// needs to go on exactly.
    public var captureState: String
    /// By the source's clock, microseconds since 2000-01-01 UTC: whatever it had committed until then is before the
    /// position. Nil where unknown.
    public var time: Int64?

    public init(position: LogPosition, captureState: String, time: Int64? = nil) {
        self.position = position
        self.captureState = captureState
        self.time = time
    }
}

/// How far one binding's backfill is: kept by the destination beside the link's checkpoint.
public struct BindingCheckpoint: Sendable, Equatable {
    public enum Phase: String, Sendable {
        case pending, backfilling, streaming
        /// The link went on without the binding: the table lacks what happened since.
        case detached
        /// The link goes on without the binding, by the catalog's policy, since the table could not follow the source.
        case disabled
    }

    public var phase: Phase
    /// The capture's own record of what was copied and what of the log it contains; opaque to the destination.
    public var backfill: String
    /// The capture binding's counter: raised to have the table read again over what is there.
    public var backfillCounter: Int
    /// The materialization binding's counter: raised to have the table emptied, and read again. Nil where it was not kept.
    public var rebuildCounter: Int?
    /// The table is to be read from its beginning, over rows that are there. Not kept: the backfill's own record says so
    /// from then on.
    public var isReadAgain = false
    /// Why rows are read, or looked for, that nobody asked for. Not kept either: the backfill's own record has it.
    public var gap: LogGap?
    /// Why what a signal has read of the table is to end as the link begins. Not kept.
    public var refusal: String?
    public var rows: Int64
    public var bytes: Int64
    /// The source's estimate as the backfill began; nil where unknown.
    public var estimatedRows: Int64?

    public init(
        phase: Phase, backfill: String = "", backfillCounter: Int = 0, rebuildCounter: Int? = 0, rows: Int64 = 0,
        bytes: Int64 = 0, estimatedRows: Int64? = nil
    ) {
        self.phase = phase
        self.backfill = backfill
        self.backfillCounter = backfillCounter
        self.rebuildCounter = rebuildCounter
        self.rows = rows
        self.bytes = bytes
        self.estimatedRows = estimatedRows
    }
}

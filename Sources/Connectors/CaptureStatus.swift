/// What a source says of a capture, whether or not a runner is up.
public struct CaptureStatus: Sendable {
    /// Where the source's log ends now.
    public var position: LogPosition
    /// The source's clock then: microseconds since 2000-01-01 UTC.
    public var time: Int64
    public var slot: SlotStatus
    /// Where the log can be read from at the earliest; nil where it can't be read at all yet, or any more.
    public var earliest: LogPosition?
    /// What the runner that is up has handled for all its links: changes before it are durable at every destination, though
    /// checkpoints may be a little behind. Nil where there is no runner.
    public var handled: LogPosition?
    /// What is to be said where a link's checkpoint is before `earliest`.
    public var gap: StatusFinding
    /// What else deserves a look, the gravest first.
    public var findings: [StatusFinding]

    public init(
        position: LogPosition, time: Int64, slot: SlotStatus, earliest: LogPosition?, handled: LogPosition?,
        gap: StatusFinding,
        findings: [StatusFinding] = []
    ) {
        self.position = position
        self.time = time
        self.slot = slot
        self.earliest = earliest
        self.handled = handled
        self.gap = gap
        self.findings = findings
    }
}

/// What keeps the source's log for a capture.
public struct SlotStatus: Sendable {
    public var name: String
    /// Whether it is there at all.
    public var exists: Bool
    /// Whether somebody reads from it now.
    public var isActive: Bool
    /// Bytes of log that the source keeps because of it; nil where there is none.
    public var retainedBytes: Int64?
    /// The source's own word: `reserved`, `extended`, `unreserved`, `lost`; nil where it has none.
    public var walStatus: String?
    /// Bytes that the log may still grow by before the slot is given up; nil where nothing limits it.
    public var bytesLeft: Int64?

    public init(
        name: String, exists: Bool, isActive: Bool = false, retainedBytes: Int64? = nil, walStatus: String? = nil,
        bytesLeft: Int64? = nil
    ) {
        self.name = name
        self.exists = exists
        self.isActive = isActive
        self.retainedBytes = retainedBytes
        self.walStatus = walStatus
        self.bytesLeft = bytesLeft
    }
}

/// Something that a status shows beside numbers.
public struct StatusFinding: Sendable, Equatable {
    /// Whether the capture can't go on from its checkpoints.
    public var isFatal: Bool
    public var message: String
    /// What to do: a sentence, or the SQL to run.
    public var hint: String?

    public init(isFatal: Bool, message: String, hint: String? = nil) {
        self.isFatal = isFatal
        self.message = message
        self.hint = hint
    }
}

/// A source: one log, read from one place on, for any number of links. Safe to use from any thread; each thing it opens
/// belongs to one thread at a time. All throw `RunError`.
public protocol Capture: AnyObject, Sendable {
    var name: String { get }

    /// Connects and proves what can be proven without a checkpoint and without changing anything: before a destination is
    /// touched.
    func probe() throws

    /// Connects, proves that the log goes on where a link's checkpoint says, makes what is missing (publication, slot),
    /// and reads the tables' shapes. A nil checkpoint is a link that starts now. Waits a moment for a slot that is in use.
    /// Throws where no link can go on, with nothing made.
    /// `followed`: the tables of which a link has rows already, and so needs every change. `areAll`: no other link needs this log.
    /// `waiting` hears what is being waited for, in words; a wait ends with a transient error when `stop` is requested.
    func prepare(
        _ checkpoints: [LinkCheckpoint?], followed: Set<Int>, areAll: Bool, stop: StopSignal,
        waiting: @escaping (String) -> Void
    ) throws -> CaptureStart

    /// As `prepare`, of a run that is only planned: makes, changes and waits for nothing.
    func plan(_ checkpoints: [LinkCheckpoint?], followed: Set<Int>, areAll: Bool) throws -> CaptureStart

    /// Removes what was made since a link had a checkpoint or ran: none has begun with it. Best effort.
    func withdraw()

    /// Begins to read the log at a position that `prepare` accepted.
    func openSession(from position: LogPosition, stop: StopSignal) throws -> any CaptureSession

    /// The backfills of a link's bindings, as they were left. `states` are parallel to the link's bindings. `signals` are what
    /// the destination has of the link's; nil for a link that begins now.
    func backfills(
        of link: LinkSpec, start: CaptureStart, checkpoint: LinkCheckpoint, states: [BindingCheckpoint],
        signals: StoredSignals?
    ) throws -> any LinkBackfills

    /// Whether a signal has the binding's table read, which was all there before.
    func readsForSignal(_ state: BindingCheckpoint) -> Bool

    /// What reads chunks, on connections of its own.
    func openChunkReader(stop: StopSignal) throws -> any ChunkReader

    /// Has what deserves a look while it prepares or runs said to `hear`, from any thread.
    func observe(_ hear: @escaping @Sendable (StatusFinding) -> Void)

    /// How many chunks may be read at once.
    var backfillWorkers: Int { get }

    /// A place behind everything that is committed now: a link that has reached it has all of that.
    func committedPosition() throws -> LogPosition

    /// What the source says of the capture now. Needs no `prepare`, and makes and changes nothing.
    func status() throws -> CaptureStatus
}

/// What a capture found as it was prepared.
public struct CaptureStart: Sendable {
    /// Parallel to the checkpoints: why the log can't go on where that link's says.
    public var refusals: [RunError?]
    /// By table: the index of the capture's binding.
    public var shapes: [TableShape]
    /// Where a link without checkpoint begins.
    public var newLink: LinkCheckpoint
    /// Where the stream must begin so that every link has all it needs.
    public var position: LogPosition
    /// What was made, one phrase each: `publication "flow_publication"`.
    public var provisioned: [String]
    /// What was made, or would be.
    public var changes: [PlannedChange] = []
    /// Estimated rows by table; nil where unknown.
    public var estimatedRows: [Int64?]
    /// Bytes on the source's disk by table; empty where nobody asked.
    public var estimatedBytes: [Int64?] = []
    /// What the source's text is encoded in, by the server's name for it; nil where unknown.
    public var encoding: String?

    public init(
        refusals: [RunError?], shapes: [TableShape], newLink: LinkCheckpoint, position: LogPosition,
        provisioned: [String],
        estimatedRows: [Int64?], encoding: String? = nil
    ) {
        self.encoding = encoding
        self.refusals = refusals
        self.shapes = shapes
        self.newLink = newLink
        self.position = position
        self.provisioned = provisioned
        self.estimatedRows = estimatedRows
    }
}

/// The log being read. Used by one thread.
public protocol CaptureSession: AnyObject {
    /// Appends what the log has to `batch` until nothing more is waiting or the batch is large; waits up to
    /// `milliseconds` for the first event. May return with nothing appended. With `wantsProgress`, it asks the source how
    /// far the log is and appends a progress event as soon as it knows; else now and then.
    func read(into batch: ChangeBatch, wait milliseconds: Int, wantsProgress: Bool) throws

    /// Tells the source that everything before `position` is durable at every destination. The source may forget it.
    /// Sent at once if `now`, else when it is due. `zero` where that is not known: only keeps the connection alive.
    func acknowledge(_ position: LogPosition, now: Bool) throws

    /// Keeps the connection alive while nothing is read.
    func keepAlive() throws

    func close()
}

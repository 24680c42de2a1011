/// What to do with a row of the log while its table is being read.
public enum Admission: Sendable {
    /// The destination has the row's chunk without this change: apply it.
    case deliver
    /// A chunk contains the change, or a later chunk will.
    case skip
    /// It depends on the chunk that is being read now: apply it on top of that chunk if it belongs there.
    case hold
}

/// The backfills of one link's bindings. Owned by the link's thread: every call but `readChunk`'s happens there, between
/// two batches or while one is being looked at.
public protocol LinkBackfills: AnyObject {
    /// A transaction begins: snapshots taken from now on must see it to count. `position` is its commit record's, `time` its
    /// commit's (microseconds since 2000-01-01 UTC). One that an earlier session has shown may come again.
    func began(_ transaction: UInt32, at position: LogPosition, time: Int64)

    /// A transaction of this commit time begins that the destination does not have: what it opens or ends of the bindings'
    /// windows. Returns the bindings whose state changed.
    func passed(time: Int64) -> [Int]

    /// Where the link is in the binding's window; `open` where it has none.
    func phase(of binding: Int) -> TimeWindow.Phase

    /// Whether an update of the binding may be of a row that the destination never had.
    func lacksRows(_ binding: Int) -> Bool

    /// Everything up to `position` has been looked at and is committed at the destination: filters that end there go.
    /// Returns the bindings whose state changed.
    func passed(_ position: LogPosition) -> [Int]

    /// Whether rows of the binding need `admission` at all.
    func isFiltering(_ binding: Int) -> Bool

    /// Whether every change of the binding is stored while its table is being read, the chunk in flight or not. What is
    /// `hold` to `admission` then goes on top of the chunk besides.
    func isLive(_ binding: Int) -> Bool

    /// Looks at the rows of a batch that `admission` is going to be asked about.
    func adopt(_ batch: ChangeBatch) throws

    /// Decides about one row (its first field) of the adopted batch, by its place in the table's order. Throws where a
    /// chunk's bounds became known since `adopt`.
    func admission(_ binding: Int, row: Int32, in batch: ChangeBatch, transaction: UInt32) throws -> Admission

    /// The same question about a held row, now that the chunk is complete.
    func belongs(_ binding: Int, row: Int32, in held: ChangeBatch, transaction: UInt32) throws -> Bool

    /// The table was truncated: decides whether what was copied must go. The chunk in flight, if any, has been abandoned.
    func truncated(_ binding: Int, transaction: UInt32) -> Bool

    /// A row as `transaction` left it, with the columns that the log left out of it read from the source, where its key is now.
    /// Whether that is the same row, the log alone shows (`FoundRow`). Throws where a change since then may lie behind the
    /// binding's window, and so never comes.
    func fetchUnchanged(
        _ binding: Int, row: Int32, in batch: ChangeBatch, shape: TableShape, transaction: UInt32
    ) throws -> FoundRow

    /// What columns of rows have at the source, where the rows there are surely as transactions left them (`LeftRow`). The key of
    /// such a row is its replica identity. `columns` are places in the shape.
    func rowsLeft(_ binding: Int, as questions: [LeftRow], columns: [Int], shape: TableShape) throws -> LeftRows

    /// A commit is about to have rows in it that the log proves only when it has come to `position`. The binding's state says
    /// so from that commit on.
    func doubt(_ binding: Int, until position: LogPosition)

    /// Returns when everything that could be read of the source until now is on its disk, and so in the log that it shows.
    func flushLog() throws

    /// Where the source was, with the shapes that it had then, as a table of a link that runs already began to be read from its first
    /// row on; zero where the link has passed that. It outlives the run.
    func readFrom(_ binding: Int) -> LogPosition

    /// Whether the link has still to come to where a run before this one left rows in doubt: what the destination has of any row
    /// may be another's then, and what an update leaves out is to be read from the source.
    func isInDoubt(_ binding: Int) -> Bool

    /// The next chunk to read, marked as in flight; nil where no binding outside `excluding` has one to read now.
    func openChunk(at position: LogPosition, excluding: Set<Int>) -> Chunk?

    /// Whether the binding's next chunk would be smaller if this one were given up.
    func canShrink(_ binding: Int) -> Bool

    /// The chunk's bounds and snapshot are known.
    func bound(_ chunk: Chunk)

    /// The chunk is at the destination's door: what the binding's state will be with it.
    func stateIncluding(_ chunk: Chunk) -> BindingCheckpoint

    /// The chunk was committed.
    func finished(_ chunk: Chunk)

    /// The chunk was given up; it is read again later.
    func abandoned(_ chunk: Chunk)

    /// The destination's table has the shape's columns from the next commit on; the binding's state says so then.
    func evolved(_ binding: Int, to shape: TableShape) throws

    /// Rows of the log have this shape from here on; whether the columns of the key have other places than before. Throws where
    /// what orders a table that is being read is not among them.
    func follows(_ binding: Int, _ shape: TableShape) throws -> Bool

    /// The stream has come to what the capture has learned of the binding's table; the binding's state says so from the next
    /// commit on.
    func noted(_ binding: Int, _ note: String)

    /// What users should hear of, once: what a table goes without.
    func takeRemarks() -> [(binding: Int, message: String)]

    /// What users should hear of signals, once.
    func takeSignalRemarks() -> [String]

    func state(of binding: Int) -> BindingCheckpoint

    /// Whether there is something of the binding's table to read, or to look for.
    func isReading(_ binding: Int) -> Bool

    /// No chunk of the binding is opened before the link has passed the position. A log that waits for the table goes on.
    func waitForLog(_ binding: Int, until position: LogPosition)

    /// Whether every row of every binding has been copied.
    var isComplete: Bool { get }

    /// Whether there is nothing to read now: every row has been copied, or somebody has paused what is left.
    var isAtRest: Bool { get }

    /// Whether no further change of the log may be stored before some table has been read.
    var holdsLog: Bool { get }

    /// Takes an operator's signal (`ChangeEvent.Kind.signal`) at its place, between two transactions. Returns the
    /// bindings whose chunk in flight must be given up; their states have changed.
    func take(_ signal: String, at position: LogPosition) throws -> [Int]

    /// Begins what signals ask for and whose turn has come; returns the bindings that are read from now on. None of them
    /// is in `busy`; those in `parked` can't be read. What has the log wait is begun only if `mayHoldLog`. `shapes` are those of the
    /// bindings' rows now.
    func beginSignalled(
        excluding busy: Set<Int>, parked: Set<Int>, mayHoldLog: Bool, shapes: (Int) -> TableShape
    ) throws -> [Int]

    /// The records of the signals that have changed since the last call, for the link's next commit.
    func takeSignals() -> [SignalRecord]

    /// Whether `takeSignals` would return any.
    var hasSignals: Bool { get }

    /// The records of the signals that the chunk is read for, as they will be with it.
    func signalsIncluding(_ chunk: Chunk) -> [SignalRecord]

    /// Rows that a sweep found absent at the source and that may be removed now: those of `chunk` that none of the changes
    /// `touched` since it was opened is about. Keys only, as rows of `shape`.
    func absentRows(of chunk: Chunk, touched: [[String]], shape: TableShape) throws -> ChangeBatch?

    /// The position that the link must have passed before every filter can go; zero where none is left.
    var awaitedPosition: LogPosition { get }

    /// What the capture needs in the link's checkpoint to go on exactly.
    ///
    /// `position`: the checkpoint's; a transaction of the log can be open behind it.
    func captureState(at position: LogPosition) throws -> String
}

/// What the source has now under the key of a row of the log.
///
/// It is that row if the log, from the row's change to the end of `transaction` or to `until`, takes no row from the key.
public struct FoundRow {
    /// The whole row, as the first of a batch; nil where the source has none with this key.
    public var row: ChangeBatch?
    /// The transaction that left the version that was found, as the server numbers it: a subtransaction has its own.
    public var transaction: UInt32?
    /// The source's position after the look.
    public var until: LogPosition

    public init(row: ChangeBatch?, transaction: UInt32?, until: LogPosition) {
        self.row = row
        self.transaction = transaction
        self.until = until
    }
}

/// One chunk of a backfill on its way: opened and finished by the link's thread, read by a reader's.
open class Chunk: @unchecked Sendable {  // @unchecked: handed back and forth under the link's mailbox lock.
    public let binding: Int
    /// Where the link was as the chunk was opened.
    public let position: LogPosition
    /// Rows of the binding read by earlier chunks.
    public let firstSequence: Int64
    /// Rows and bytes read.
    public var rows: Int64 = 0
    public var bytes: Int64 = 0
    /// Whether the table has nothing beyond it.
    public var isLast = false
    /// It was to be read outside of the binding's window: it has no rows, and nothing of the table is read any more.
    public var isPassedOver = false
    /// Whether nothing of the table is left to do once it is committed.
    open var completes: Bool { isLast }
    /// What the chunk does to the destination's table.
    public let kind: Kind
    /// The link must have passed this position before the chunk can be finished; zero for none. Set by the reader.
    public var awaited: LogPosition = .zero

    public enum Kind: Sendable {
        /// Its rows are new to the destination.
        case copy
        /// Its rows take the place of those that are there.
        case overlay
        /// No rows: it looks which of the destination's the source does not have.
        case sweep
    }

    public init(binding: Int, position: LogPosition, firstSequence: Int64, kind: Kind = .copy) {
        self.binding = binding
        self.kind = kind
        self.position = position
        self.firstSequence = firstSequence
    }
}

/// Reads chunks from the source on its own connection and thread.
public protocol ChunkReader: AnyObject {
    /// Reads the chunk's rows into `writer`. `bounded` is called once the chunk's bounds are known, before its rows are
    /// read; `isAbandoned` is asked now and then. Where the result is not `complete`, the writer's transaction is the
    /// caller's to roll back.
    func read(
        _ chunk: Chunk, shape: TableShape, into writer: any ChunkWriter, bounded: () -> Void, isAbandoned: () -> Bool
    ) throws -> ChunkResult

    func close()
}

public enum ChunkResult: Sendable {
    case complete
    /// Given up, because it was asked to or because the moment was not right.
    case abandoned
    /// The table has another shape than the chunk was opened for: the destination must have it first.
    case reshaped(TableShape)
}

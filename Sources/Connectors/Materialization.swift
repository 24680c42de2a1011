/// A destination: opens one `Transactor` a link. Safe to use from any thread; what it opens belongs to one thread at a
/// time.
public protocol Materialization: AnyObject, Sendable {
    var name: String { get }

    /// Connects and changes nothing: whether it is worth while to open a link again.
    func probe() throws

    /// Connects and takes the link over where the destination knows it: bumps its fence, so that an older runner's next
    /// commit fails. Makes nothing. Throws a `fenced` error where this run had the link, and another has taken it since: a
    /// runner that was fenced off never takes a link back.
    func open(_ link: LinkSpec) throws -> any Transactor

    /// As `open`, for a run that is only planned: takes nothing over, and `attach` notes what it would make.
    func openPlan(_ link: LinkSpec) throws -> any Transactor

    /// Has what holds the link up at the destination said to `hear`, from any thread.
    func observe(_ link: LinkSpec, _ hear: @escaping @Sendable (StatusFinding) -> Void)

    /// What is kept of this materialization's links; empty before the first run. Takes nothing over, and makes and changes
    /// nothing.
    func status() throws -> [StoredLink]

    /// Empties a binding's table, drops columns that are in the way, and forgets what was kept of it, in one transaction that
    /// takes the link over: the next session reads the table again. Throws where the table or its user don't allow it.
    func forget(_ binding: LinkBinding, of link: LinkSpec, dropping columns: [String]) throws

    /// Notes that the link goes on without a binding, and why (`BindingCheckpoint.Phase.disabled`).
    func disable(_ binding: LinkBinding, of link: LinkSpec, because error: RunError) throws

    /// Parks a binding's table because of a row that can't be stored: the link goes on and its changes wait beside the table,
    /// from the link's last commit on. In one transaction that takes the link over. False, and nothing is changed, where the
    /// table is not all there yet or is parked already.
    func park(_ binding: LinkBinding, of link: LinkSpec, because error: RunError) throws -> Bool

    /// Opens what is parked of a link's tables, to be stored. Takes nothing over.
    func openPark(_ link: LinkSpec) throws -> any ParkSession

    /// Keeps why a parked table could not be drained.
    func note(_ error: RunError, ofParked binding: LinkBinding, of link: LinkSpec) throws

    /// Keeps what a link stumbled over where `status` finds it, until the link's next commit. Best effort: never throws,
    /// nor waits for long.
    func record(_ error: RunError, of link: LinkSpec)
}

extension Materialization {
    /// For destinations where nothing holds a link up.
    public func observe(_ link: LinkSpec, _ hear: @escaping @Sendable (StatusFinding) -> Void) {}

    /// For destinations that park nothing.
    public func park(_ binding: LinkBinding, of link: LinkSpec, because error: RunError) throws -> Bool { false }

    public func openPark(_ link: LinkSpec) throws -> any ParkSession {
        throw RunError(
            .needsOperator, operation: "drain", object: "the link from \(link.capture)",
            message: "this destination parks nothing", task: link.materialization)
    }

    public func note(_ error: RunError, ofParked binding: LinkBinding, of link: LinkSpec) throws {}

    /// For destinations where nothing can be planned.
    public func openPlan(_ link: LinkSpec) throws -> any Transactor {
        throw RunError(
            .needsOperator, operation: "plan", object: "materialization \(name)",
            message: "its destination can't say what it would do", task: name)
    }
}

/// What a binding's table is attached with.
public struct AttachedTable: Sendable {
    public var shape: TableShape
    public var state: BindingCheckpoint
    /// The table takes a backfill from its start, so its key may be made late.
    public var willBackfill: Bool
    /// What is there goes: the table is emptied, or made anew where its columns or key can't stay.
    public var isRebuilt: Bool

    public init(_ shape: TableShape, _ state: BindingCheckpoint, willBackfill: Bool, isRebuilt: Bool = false) {
        self.shape = shape
        self.state = state
        self.willBackfill = willBackfill
        self.isRebuilt = isRebuilt
    }
}

/// What stores rows in a transaction of its own connection. The transaction begins with the first call that needs one.
///
/// Order: `store`, `append`, `truncate` and `evolve` take effect in the order of the calls. Durability: nothing is visible
/// to others, nor kept, before the matching commit returns. After any throw the transaction is lost: roll back and open
/// anew. All throw `RunError`; a row that the destination can't take names the binding, and never shows the values.
public protocol RowStore: AnyObject {
    /// Stores what the changes of an upsert table come to. The keys are distinct.
    func store(_ changes: ContiguousArray<NetChange>, binding: Int, shape: TableShape, rows: RowPool) throws

    /// Stores what several bindings have, in whichever order of the bindings the destination takes it.
    func store(_ parts: [StoredPart], rows: RowPool) throws

    /// Appends changes to a delta table, in order.
    func append(_ changes: ContiguousArray<LoggedChange>, binding: Int, shape: TableShape, rows: RowPool) throws

    /// Empties upsert tables in one statement (soft deletes: flags every row).
    func truncate(_ bindings: [Int]) throws
}

extension RowStore {
    /// For destinations that take any order.
    public func store(_ parts: [StoredPart], rows: RowPool) throws {
        for part in parts { try store(part, rows: rows) }
    }

    /// Stores what one binding has.
    public func store(_ part: StoredPart, rows: RowPool) throws {
        switch part.changes {
        case .net(let changes): try store(changes, binding: part.binding, shape: part.shape, rows: rows)
        case .logged(let changes): try append(changes, binding: part.binding, shape: part.shape, rows: rows)
        }
    }
}

/// The apply side of a link: rows, checkpoint and fence check in one destination transaction.
public protocol Transactor: RowStore {
    /// What was committed last for this link; nil where it has not begun.
    var checkpoint: LinkCheckpoint? { get }

    /// What was committed last for the binding; nil where the destination has no record of it.
    func checkpoint(of binding: Int) -> BindingCheckpoint?

    /// Makes the link ready to store rows, in one transaction: what flowctl keeps at the destination, the tables that are
    /// absent, and their records; tables that are there are adopted or refused. Where one is refused nothing has changed.
    /// `tables` are parallel to the link's bindings. Called once, before anything is stored. `beginning` is the checkpoint
    /// of a link that has none.
    func attach(_ tables: [AttachedTable], beginning: LinkCheckpoint?) throws

    /// What `attach` made, or would have made.
    var changes: [PlannedChange] { get }

    /// Of a plan: what `attach` would have stopped at, table by table.
    var refusals: [RunError] { get }

    /// Throws a `fenced` error where a newer runner has taken the link: a link without changes hears of it this way. Not
    /// while a transaction is open.
    func confirmFence() throws

    /// Changes the destination table from the shape it was prepared for to a new one, in the open transaction, before
    /// the first row of the new shape. No chunk of the binding is being written meanwhile. Returns the SQL that it ran.
    func evolve(_ binding: Int, to shape: TableShape) throws -> [String]

    /// Bindings whose table was attached, and is to have the shape that it was attached with only from the first row of that shape on.
    var behind: [Int] { get }

    /// By binding, those whose rows are to be there before a first chunk of it is read: its table refers to theirs, and the
    /// destination looks after that. In no circle.
    var parents: [[Int]] { get }

    /// What speaks against text of the source's encoding (`UTF8`), in a sentence with the remedy; nil for nothing.
    func concern(sourceEncoding: String) throws -> String?

    /// The statements by which an operator has the link begin anew: it is forgotten, and tables are emptied that will be read.
    var beginningAnew: String { get }

    /// By binding: what waits beside a table that was parked as the link was attached.
    var parked: [Int: ParkedTable] { get }
    /// What was kept of the link's signals as it was opened.
    func signals() throws -> StoredSignals

    /// Whether anything was stored since the last commit.
    var isOpen: Bool { get }

    /// Sends what was stored to the destination, in the open transaction, so that the rows' memory can go.
    func flush() throws

    /// Checks the fence, writes the checkpoint, the given bindings' states and the signals' records, commits, and returns when
    /// it is durable. Throws a `fenced` error, with nothing committed, where a newer runner has taken the link.
    func commit(_ checkpoint: LinkCheckpoint, bindings: [Int: BindingCheckpoint], signals: [SignalRecord]) throws

    /// How many writers may store rows side by side (`storeApart`); 1 where all rows go through the link's own transaction.
    var writers: Int { get }

    /// How far a binding's table is where that is further than the link: a writer has committed its rows (`storeApart`), and
    /// the link's commit did not come. What the log has up to there is in the table. Nil for tables that are where the link is.
    func ahead(of binding: Int) -> LinkCheckpoint?

    /// Stores what several bindings have up to a checkpoint, in a transaction for each writer, with the rows, the place of their
    /// tables and the check of the fence; a binding's changes are in one of them. Returns once all are durable. What can't be
    /// stored apart is in the open transaction then. To be followed by `commit` with the same checkpoint, and called only
    /// while nothing is uncommitted. After a throw any of the tables may be ahead of the link.
    ///
    /// `together` runs each body on a thread of its own, waits for all, and throws one of their errors.
    func storeApart(
        _ parts: [StoredPart], at checkpoint: LinkCheckpoint, rows: RowPool,
        together: ([() throws -> Void]) throws -> Void
    ) throws

    /// Gives up what was stored since the last commit.
    func rollback()

    /// A writer for backfill chunks, on a connection of its own.
    func chunkWriter() throws -> any ChunkWriter

    func close()
}

extension Transactor {
    /// Commits without a signal.
    public func commit(_ checkpoint: LinkCheckpoint, bindings: [Int: BindingCheckpoint]) throws {
        try commit(checkpoint, bindings: bindings, signals: [])
    }

    /// For destinations of captures that hear no signals.
    public func signals() throws -> StoredSignals { StoredSignals() }

    public func concern(sourceEncoding: String) throws -> String? { nil }
    public var parents: [[Int]] { [] }
    public var parked: [Int: ParkedTable] { [:] }
    public var beginningAnew: String { "" }
    public var behind: [Int] { [] }

    /// For destinations with one writer.
    public var writers: Int { 1 }

    public func ahead(of binding: Int) -> LinkCheckpoint? { nil }

    public func storeApart(
        _ parts: [StoredPart], at checkpoint: LinkCheckpoint, rows: RowPool,
        together: ([() throws -> Void]) throws -> Void
    ) throws {
        for part in parts { try store(part, rows: rows) }
    }

    public var changes: [PlannedChange] { [] }

    public var refusals: [RunError] { [] }
}

/// Writes one backfill chunk at a time: its rows, then the held changes on top (`store`, `append`), then the binding's
/// new state and the fence check, in one transaction that commits between two transactions of the link.
///
/// Used by the chunk's reader thread up to `finishRows`, then by the link's thread: never by both at once.
public protocol ChunkWriter: RowStore {
    /// Opens the transaction and a COPY into the binding's table; says in which form it takes the rows. With `isOverlay`
    /// the rows of an upsert table are kept aside, and nothing of the table is locked, until `merge`.
    ///
    /// `position` and `firstSequence` become `_meta/source/lsn` and the first `_meta/source/seq` of a delta table's rows.
    func begin(
        _ binding: Int, shape: TableShape, position: LogPosition, firstSequence: Int64, isOverlay: Bool
    ) throws -> RowFormat

    /// One row as the source's COPY sent it: a line with its newline, or a binary tuple from its field count on. The
    /// columns are the shape's, in its order.
    func write(_ row: UnsafeRawBufferPointer) throws

    func finishRows() throws

    /// Whether rows of the chunk that was begun could be kept out by others that the log has yet to change: it is committed only
    /// when the link has passed the source's position as they were read.
    var awaitsLog: Bool { get }

    /// Puts the rows of an overlay in the place of those that are there; does nothing for other chunks. Called by the
    /// link's thread, with nothing of the link uncommitted.
    func merge(_ binding: Int) throws

    /// Keys of an upsert table's rows beyond a key, as text, in the destination's own order; not those that a soft delete
    /// marked. In a transaction of its own.
    func keys(of binding: Int, after key: [String]?, limit: Int) throws -> [[String]]

    /// Checks the fence, writes the state and the records of the signals that asked for the chunk, and commits. Makes the
    /// table's key where it is still to be made and either every row of the table has been copied now (`isLast`) or the
    /// link's changes need it.
    func commit(_ binding: Int, state: BindingCheckpoint, isLast: Bool, signals: [SignalRecord]) throws

    /// Rolls back; the writer can begin another chunk unless the connection is lost.
    func abandon()

    func close()
}

extension ChunkWriter {
    public var awaitsLog: Bool { false }

    /// Commits a chunk that no signal asked for.
    public func commit(_ binding: Int, state: BindingCheckpoint, isLast: Bool) throws {
        try commit(binding, state: state, isLast: isLast, signals: [])
    }

    /// Begins a chunk whose rows are new to the destination.
    public func begin(
        _ binding: Int, shape: TableShape, position: LogPosition, firstSequence: Int64
    ) throws -> RowFormat {
        try begin(binding, shape: shape, position: position, firstSequence: firstSequence, isOverlay: false)
    }
}

/// The form of the rows of a chunk.
public enum RowFormat: Sendable {
    case text, binary
}

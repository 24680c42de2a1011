import Connectors
import Postgres

/// One chunk of a table: what the link knew as it opened it, and what the reader found.
// Handed back and forth as `Chunk` says.
final class TableChunk: Chunk, @unchecked Sendable {
    let table: TableSource
    let order: KeyOrder
    let lower: KeyBound?
    /// The file that earlier chunks were read from; nil before the first.
    let fileNode: UInt32?
    let demand: SnapshotDemand
    let mark: DeliveredTransactions.Mark
    /// Most rows to read.
    let rowLimit: Int

    /// Whether rows that the source no longer has are looked for after the last chunk.
    let isSwept: Bool
    /// Of a sweep: the destination's keys that are done with, the columns of the key, and how many keys to look at.
    let sweep: KeySweep
    let key: [ColumnShape]
    let keyLimit: Int
    /// SQL that a row must satisfy to be read; nil for all.
    let filter: String?
    /// When rows may be read; nil for any time. `isLate`: the link has seen the end of it.
    let window: TimeWindow?
    let isLate: Bool
    /// Whether nothing of the log may be stored before it: then it waits for nothing of the log either.
    let isBlocking: Bool
    /// Whether a signal asked for it: what is wrong with it then ends the signal alone.
    let isSignalled: Bool

    // Found by the reader.
    /// Of a sweep: the last key that was looked at, and those that the source does not have.
    var lastKey: [String]?
    var absent: [[String]] = []
    var snapshot: Snapshot?
    var upper: KeyBound?
    var foundFileNode: UInt32?
    /// The source's position after the last row was read.
    var until: LogPosition = .zero
    var milliseconds = 0
    /// Why it can't be read; nil where it can.
    var failure: String?

    /// The next chunk of what a binding's backfill knows.
    init(
        binding: Int, position: LogPosition, of backfill: TableBackfill, demand: SnapshotDemand,
        mark: DeliveredTransactions.Mark
    ) {
        let state = backfill.state
        table = backfill.table
        order = backfill.order
        lower = state.filter.frontier
        fileNode = state.fileNode
        self.demand = demand
        self.mark = mark
        // Ranges stay while the log waits: the more there are, the larger are the next.
        let doublings = backfill.holdsLog ? min(state.filter.ranges.count / 32, 20) : 0
        rowLimit = max(backfill.size.rows, backfill.order.leastRows) << doublings
        isSwept = state.sweep != nil
        sweep = state.sweep ?? KeySweep()
        key = backfill.key
        filter = backfill.condition
        window = state.window?.window
        isLate = state.window?.phase == .over
        isBlocking = backfill.holdsLog
        isSignalled = state.signal != nil
        keyLimit = min(backfill.size.rows, TableChunk.mostKeys)
        super.init(
            binding: binding, position: position, firstSequence: state.numbered + backfill.checkpoint.rows,
            kind: state.filter.isCopied
                ? .sweep
                : (state.filter.isOverlay || state.signal?.isBlocking == true) && !backfill.isLog ? .overlay : .copy)
    }

    /// Keys that the source is asked about at once.
    private static let mostKeys = 8192

    override var completes: Bool { isLast && (kind == .sweep || !isSwept) }

    /// Whether the reader found the table in another file than earlier chunks were read from.
    var foundOtherFile: Bool {
        guard let fileNode, let foundFileNode else { return false }
        return fileNode != foundFileNode
    }

    var range: CopiedRange? {
        guard let snapshot else { return nil }
        return CopiedRange(lower: lower, upper: isLast ? nil : upper, snapshot: snapshot, until: until)
    }
}

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

    // Found by the reader.
    var snapshot: Snapshot?
    var upper: KeyBound?
    var foundFileNode: UInt32?
    /// The source's position after the last row was read.
    var until: LogPosition = .zero
    var milliseconds = 0

    init(
        binding: Int, position: LogPosition, firstSequence: Int64, table: TableSource, order: KeyOrder,
        lower: KeyBound?, fileNode: UInt32?, demand: SnapshotDemand, mark: DeliveredTransactions.Mark, rowLimit: Int
    ) {
        self.table = table
        self.order = order
        self.lower = lower
        self.fileNode = fileNode
        self.demand = demand
        self.mark = mark
        self.rowLimit = rowLimit
        super.init(binding: binding, position: position, firstSequence: firstSequence)
    }

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

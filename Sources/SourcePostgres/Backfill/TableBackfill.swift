import Connectors
import Postgres

/// One binding's backfill, on the link's thread.
struct TableBackfill {
    let table: TableSource
    let binding: LinkBinding
    let order: KeyOrder
    let priority: Int
    /// The collection's key among the source's columns, and whether the destination keeps each change as a row.
    let key: [ColumnShape]
    let isLog: Bool
    /// SQL that a row must satisfy to be read; nil for all.
    let condition: String?
    var state: BackfillState
    var checkpoint: BindingCheckpoint
    var size: ChunkSize
    var isInFlight = false
    /// No chunk is opened before the stream has passed this position; zero for none.
    var blockedUntil = LogPosition.zero
    /// For keys that the server compares: which bounds each row of the adopted batch is at most, by its first field.
    var atMost: [Int32: [Bool]] = [:]
    var adoptedBounds: [KeyBound] = []

    /// An append-only table that is read again misses no change: it takes the rows besides.
    var isFiltering: Bool { state.filter.isFiltering && !(isLog && state.filter.isOverlay) }

    /// Whether there is anything to read, or to look for.
    var isReading: Bool { !state.filter.isCopied || state.sweep != nil }

    /// Whether an update may be of a row that the destination never had.
    var lacksRows: Bool {
        binding.skipsBackfill || condition != nil
            || state.window.map { $0.lacksRows || !state.filter.isCopied } ?? false
    }

    /// What the destination should keep.
    var current: BindingCheckpoint {
        var checkpoint = checkpoint
        checkpoint.backfill = state.text
        checkpoint.phase = isReading || state.filter.isFiltering ? .backfilling : .streaming
        return checkpoint
    }

    /// Throws for a bound that the row was not compared with: any answer would be a guess.
    func admission(row: Int32, in batch: ChangeBatch, transaction: UInt32) throws -> Admission {
        if order.needsServer {
            let known = atMost[row]
            var isUnknown = false
            let admission = state.filter.admission(of: transaction) { bound in
                guard let known, let index = adoptedBounds.firstIndex(of: bound) else {
                    isUnknown = true
                    return false
                }
                return known[index]
            }
            guard !isUnknown else {
                throw RunError(
                    .internal, operation: "place a change of", object: "table \(table.name)",
                    message: "its key was not compared with the bounds of the chunks that were read")
            }
            return admission
        }
        let fields = UnsafePointer(batch.fields.base + Int(row))
        let bytes = UnsafePointer(batch.bytes.base)
        return state.filter.admission(of: transaction) { order.isAtMost($0, fields: fields, bytes: bytes) }
    }
}

import Connectors
import Postgres

/// One binding's backfill, on the link's thread.
struct TableBackfill {
    let table: TableSource
    let binding: LinkBinding
    var order: KeyOrder
    let priority: Int
    /// The collection's key among the source's columns, and whether the destination keeps each change as a row.
    let key: [ColumnShape]
    let isLog: Bool
    /// SQL that a row of the table must satisfy to be read; nil for all.
    let bindingCondition: String?
    var state: BackfillState
    var checkpoint: BindingCheckpoint
    var size: ChunkSize
    var isInFlight = false
    /// What is left to read waits until somebody resumes it.
    var isPaused = false
    /// No chunk is opened before the stream has passed this position; zero for none.
    var blockedUntil = LogPosition.zero
    /// A run before this one committed rows that the log proves only here, and nobody knows any more which; zero for none.
    var inDoubtUntil = LogPosition.zero
    /// For keys that the server compares: which bounds each row of the adopted batch is at most, by its first field.
    var atMost: [Int32: [Bool]] = [:]
    var adoptedBounds: [KeyBound] = []

    /// An append-only table that is read again misses no change: it takes the rows besides.
    var isFiltering: Bool { state.filter.isFiltering && !(isLog && state.filter.isOverlay) }

    /// Whether there is anything to read, or to look for.
    var isReading: Bool { state.isReading }

    /// The binding's condition, and the signal's that the table is read for. Each on lines of its own: it may end in a comment.
    var condition: String? {
        let terms = [bindingCondition, state.signal?.condition].compactMap { $0 }
        return terms.isEmpty ? nil : terms.joined(separator: "\n) AND (\n")
    }

    /// Whether the log waits at the source until every row has been read. Not where the log has to show first what became of
    /// the table's file.
    var holdsLog: Bool {
        state.signal?.isBlocking == true && !state.filter.isCopied && blockedUntil == .zero && !isPaused
    }

    /// Whether changes are still to come that are left out. A sweep takes what the log says of a key for stored: it waits.
    var awaitsRanges: Bool { state.filter.isCopied && !state.filter.ranges.isEmpty }

    /// Whether an update may be of a row that the destination never had, or has lost: a table that is read again is mended.
    var lacksRows: Bool {
        binding.skipsBackfill || bindingCondition != nil || (inDoubtUntil != .zero && (!isFiltering || state.isLive))
            || (state.isLive && state.filter.isFiltering)
            || state.window.map { $0.lacksRows || !state.filter.isCopied } ?? false
    }

    /// What the destination should keep.
    var current: BindingCheckpoint {
        var checkpoint = checkpoint
        var state = state
        state.sorting = order.sorting
        checkpoint.backfill = state.text
        var gap = state.gap
        gap?.isNew = checkpoint.gap != nil
        checkpoint.gap = gap
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

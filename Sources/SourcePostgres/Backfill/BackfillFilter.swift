import Connectors
import Postgres

/// A piece of a table that was read under one snapshot: keys above `lower`, up to `upper`.
struct CopiedRange: Sendable, Equatable {
    var lower: KeyBound?
    var upper: KeyBound?
    var snapshot: Snapshot
    /// Older changes that the snapshot contains can still arrive until the stream has passed this position.
    var until: LogPosition
}

/// Decides which rows of the log still count for a table that is being read in the order of its key.
///
/// Rules, each of which loses or doubles rows where it is left out:
/// - A key that was copied takes every change, but for those that its chunk's snapshot contains already.
/// - A key beyond everything copied takes none: the chunk that will read it will contain them, because a chunk's snapshot
///   counts only if it sees every transaction whose changes were skipped for it.
/// - A key that the chunk in flight may have read waits: a change that the chunk's snapshot contains is dropped, another
///   goes on top of the chunk in the same commit.
struct BackfillFilter: Sendable {
    /// The greatest key copied; nil where none was.
    var frontier: KeyBound?
    /// Every row has been copied.
    var isCopied: Bool
    /// The rows take the place of those that the destination has: a chunk is finished only when the link has passed the
    /// source's position of then, so no change that it contains comes later, and no range has to be kept.
    var isOverlay = false
    var ranges: [CopiedRange] = []
    /// The chunk in flight begins at the frontier; its other bound and its snapshot are known once it was taken.
    var chunk: Flight?

    struct Flight: Sendable {
        /// Nil until the reader has taken it. An `upper` of nil then means the end of the table.
        var snapshot: Snapshot?
        var upper: KeyBound?
    }

    /// Whether rows must be asked about at all.
    var isFiltering: Bool { !isCopied || !ranges.isEmpty }

    /// `isAtMost` compares the row's key with a bound.
    func admission(of transaction: UInt32, isAtMost: (KeyBound) -> Bool) -> Admission {
        if isCopied || frontier.map(isAtMost) == true {
            for range in ranges {
                if let lower = range.lower, isAtMost(lower) { continue }
                if let upper = range.upper, !isAtMost(upper) { continue }
                if range.snapshot.sees(transaction) { return .skip }
            }
            return .deliver
        }
        guard let chunk else { return .skip }
        guard let snapshot = chunk.snapshot else { return .hold }
        if let upper = chunk.upper, !isAtMost(upper) { return .skip }
        return snapshot.sees(transaction) ? .skip : .hold
    }

    /// Every bound that `admission` may ask about.
    var bounds: [KeyBound] {
        var all: [KeyBound] = []
        func add(_ bound: KeyBound?) {
            if let bound, !all.contains(bound) { all.append(bound) }
        }
        add(frontier)
        for range in ranges {
            add(range.lower)
            add(range.upper)
        }
        add(chunk?.upper)
        return all
    }

    /// Drops the ranges that the stream has passed; says whether any went.
    mutating func pass(_ position: LogPosition) -> Bool {
        let before = ranges.count
        ranges.removeAll { $0.until <= position }
        return ranges.count != before
    }

    /// The table was truncated by `transaction`, and no chunk is in flight. Returns whether the destination must be
    /// emptied: not where everything copied was read after the truncate.
    ///
    /// Afterwards the table needs no more reading: it was empty then, and the stream has all that came later. A chunk that
    /// was read after a truncate that the stream had not shown yet can only be the first one (see `ChunkReading`), so
    /// the ranges agree.
    mutating func truncate(by transaction: UInt32) -> Bool {
        if !ranges.isEmpty, ranges.allSatisfy({ $0.snapshot.sees(transaction) }) { return false }
        frontier = nil
        ranges.removeAll()
        isCopied = true
        return true
    }

    /// The table was truncated by `transaction`, no chunk is in flight, and it may have got rows since that the log does not show:
    /// it is read all the same, from its beginning. Returns whether the destination must be emptied.
    mutating func readAfterTruncate(by transaction: UInt32) -> Bool {
        if !ranges.isEmpty, ranges.allSatisfy({ $0.snapshot.sees(transaction) }) { return false }
        frontier = nil
        ranges.removeAll()
        return true
    }

    /// The rest of the table is not read.
    mutating func passOver() {
        chunk = nil
        isCopied = true
    }

    mutating func add(_ range: CopiedRange) {
        chunk = nil
        if !isOverlay { ranges.append(range) }
        if let upper = range.upper {
            frontier = upper
        } else {
            isCopied = true
        }
    }
}

extension Snapshot {
    /// Whether the transaction with these 32 bits, near the snapshot's own time, is contained.
    @inline(__always)
    func sees(_ transaction: UInt32) -> Bool { sees(widen(TransactionID(transaction))) }
}

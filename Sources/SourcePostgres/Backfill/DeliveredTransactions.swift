import Postgres

/// Transactions that the stream has shown and no snapshot was known to see yet.
///
/// The stream may deliver a commit before new snapshots see it: its record comes before the end of the transaction in
/// shared memory, and long before it where a synchronous standby is waited for. A chunk read in between would be older
/// than what the stream has shown, and lose it. So a chunk's snapshot counts only if it sees all of these.
struct DeliveredTransactions: Sendable {
    private struct Entry: BitwiseCopyable, Sendable {
        /// Its place in the order of the stream.
        var number: Int
        var id: UInt32
    }

    private var entries: ContiguousArray<Entry> = []
    private var next = 0
    /// What had been committed where the log begins; nil once a snapshot was known to see it.
    private(set) var base: Snapshot?

    /// A place in the order of the stream.
    struct Mark: Sendable {
        fileprivate var number: Int
    }

    init(base: Snapshot? = nil, pending: [UInt32] = []) {
        self.base = base
        for id in pending { append(id) }
    }

    var pending: [UInt32] { entries.map(\.id) }
    var count: Int { entries.count }

    mutating func append(_ transaction: UInt32) {
        entries.append(Entry(number: next, id: transaction))
        next += 1
    }

    /// Everything shown so far must be seen by a snapshot that is taken from now on.
    var mark: Mark { Mark(number: next) }

    /// What a snapshot must see to count, as it stands now: to be asked on another thread.
    var demand: SnapshotDemand { SnapshotDemand(base: base, transactions: pending) }

    /// A snapshot sees everything before the mark: later ones will too.
    mutating func forget(before mark: Mark) {
        entries.removeAll { $0.number < mark.number }
        base = nil
    }

    /// Drops what a snapshot sees, to keep the rest short.
    mutating func prune(seenBy snapshot: Snapshot) {
        if let base, snapshot.contains(base) { self.base = nil }
        entries.removeAll { snapshot.sees($0.id) }
    }
}

/// The transactions that a chunk's snapshot must see.
struct SnapshotDemand: Sendable {
    var base: Snapshot?
    var transactions: [UInt32]

    func isMet(by snapshot: Snapshot) -> Bool {
        if let base, !snapshot.contains(base) { return false }
        return transactions.allSatisfy { snapshot.sees($0) }
    }
}

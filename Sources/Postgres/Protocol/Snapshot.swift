/// The 32 bits of a transaction's id that tuples and the log carry; they wrap around.
public struct TransactionID: Hashable, Sendable, BitwiseCopyable {
    public var rawValue: UInt32

    public init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }
}

/// A transaction's id with its epoch: it only grows (manual, "Transactions and Identifiers", xid8).
public struct FullTransactionID: Hashable, Comparable, Sendable, BitwiseCopyable {
    public var rawValue: UInt64

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: FullTransactionID, right: FullTransactionID) -> Bool { left.rawValue < right.rawValue }
}

/// What `pg_current_snapshot()` says: which transactions a statement can see the effects of
/// (manual, "Transaction ID and Snapshot Information Functions").
public struct Snapshot: Hashable, Sendable, CustomStringConvertible {
    /// The oldest transaction that was still in progress: all before it are over.
    public let xmin: FullTransactionID
    /// One past the newest that was over: none from it on is visible.
    public let xmax: FullTransactionID
    /// In progress between the two, in order.
    public let inProgress: [FullTransactionID]

    /// Parses `xmin:xmax:xid,xid`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let xmin = UInt64(parts[0]), let xmax = UInt64(parts[1]) else { return nil }
        var inProgress: [FullTransactionID] = []
        for part in parts[2].split(separator: ",") {
            guard let id = UInt64(part) else { return nil }
            inProgress.append(FullTransactionID(id))
        }
        self.xmin = FullTransactionID(xmin)
        self.xmax = FullTransactionID(xmax)
        self.inProgress = inProgress.sorted()
    }

    /// Whether the snapshot sees a transaction, given that it committed.
    public func sees(_ id: FullTransactionID) -> Bool {
        if id < xmin { return true }
        guard id < xmax else { return false }
        var low = 0
        var high = inProgress.count
        while low < high {
            let middle = (low + high) / 2
            if inProgress[middle] == id { return false }
            if inProgress[middle] < id { low = middle + 1 } else { high = middle }
        }
        return true
    }

    /// Whether it sees every transaction that `earlier` sees.
    public func contains(_ earlier: Snapshot) -> Bool {
        guard xmax >= earlier.xmax else { return false }
        return inProgress.allSatisfy { !earlier.sees($0) }
    }

    /// The id with these 32 bits that is nearest to the snapshot's own time.
    public func widen(_ id: TransactionID) -> FullTransactionID {
        let distance = Int32(bitPattern: id.rawValue &- UInt32(truncatingIfNeeded: xmax.rawValue))
        return FullTransactionID(xmax.rawValue &+ UInt64(bitPattern: Int64(distance)))
    }

    public var description: String {
        "\(xmin.rawValue):\(xmax.rawValue):" + inProgress.map { String($0.rawValue) }.joined(separator: ",")
    }
}

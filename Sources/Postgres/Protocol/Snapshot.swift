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

    /// Parses `xmin:xmax:xid,xid`; nil for anything else, also for an order that the server never prints.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 3, let xmin = Snapshot.number(parts[0]), let xmax = Snapshot.number(parts[1]), xmin <= xmax
        else { return nil }
        var inProgress: [FullTransactionID] = []
        let list =
            parts[2].isEmpty ? [] : parts[2].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        for part in list {
            guard let id = Snapshot.number(part), id >= (inProgress.last ?? xmin), id < xmax else { return nil }
            inProgress.append(id)
        }
        self.xmin = xmin
        self.xmax = xmax
        self.inProgress = inProgress
    }

    private static func number(_ digits: Substring.UTF8View) -> FullTransactionID? {
        // The standard library's reading takes a sign too.
        guard digits.first != UInt8(ascii: "+") else { return nil }
        return UInt64(Substring(digits)).map(FullTransactionID.init)
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
        let distance = Int64(Int32(bitPattern: id.rawValue &- UInt32(truncatingIfNeeded: xmax.rawValue)))
        let (earlier, isBeforeAll) = xmax.rawValue.subtractingReportingOverflow(distance.magnitude)
        if distance >= 0 { return FullTransactionID(xmax.rawValue &+ distance.magnitude) }
        // In the first epoch there is nothing before 0: a large id then lies ahead.
        return FullTransactionID(isBeforeAll ? UInt64(id.rawValue) : earlier)
    }

    public var description: String {
        "\(xmin.rawValue):\(xmax.rawValue):" + inProgress.map { String($0.rawValue) }.joined(separator: ",")
    }
}

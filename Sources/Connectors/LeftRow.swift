/// A row as a transaction left it: the log shows no later change of the row by this transaction, which is over.
public struct LeftRow: Hashable, Sendable {
    /// The values of the replica identity's columns, in the order of the shape, as the log has them.
    public var key: [[UInt8]]
    /// The 32 bits of the transaction's id that the log carries.
    public var transaction: UInt32

    public init(key: [[UInt8]], transaction: UInt32) {
        self.key = key
        self.transaction = transaction
    }
}

/// Answers about such rows.
public struct LeftRows {
    /// One field for each column that was asked about, in that order.
    public var rows: ChangeBatch
    /// By question: the first field of its row; nil where the source's row is another version, or nothing proves that it is not.
    public var first: [Int32?]

    public init(rows: ChangeBatch, first: [Int32?]) {
        self.rows = rows
        self.first = first
    }
}

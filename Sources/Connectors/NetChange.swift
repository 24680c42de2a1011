/// The batches that rows of one flush live in, kept alive together. A row is named by batch and first field.
public final class RowPool {
    /// Where a batch's fields and bytes are, so that looking at a row touches no reference count.
    private struct Region: BitwiseCopyable {
        var fields: UnsafePointer<FieldSlice>
        var bytes: UnsafePointer<UInt8>
    }

    private var batches: [ChangeBatch] = []
    private var regions = GrowingBuffer<Region>(capacity: 64)

    public init() {}

    deinit {
        regions.deallocate()
    }

    /// Keeps a batch; returns its number in `RowReference`s.
    public func add(_ batch: ChangeBatch) -> Int32 {
        batches.append(batch)
        regions.append(Region(fields: batch.fields.base, bytes: batch.bytes.base))
        return Int32(truncatingIfNeeded: batches.count - 1)
    }

    /// To be called after a kept batch was appended to.
    public func refresh(_ index: Int32) {
        let batch = batches[Int(index)]
        regions[Int(index)] = Region(fields: batch.fields.base, bytes: batch.bytes.base)
    }

    public func removeAll() {
        batches.removeAll(keepingCapacity: true)
        regions.removeAll()
    }

    /// Lets go of the batch that was added last.
    public func removeLast() {
        guard !batches.isEmpty else { return }
        batches.removeLast()
        regions.truncate(to: batches.count)
    }

    /// The first field of a row; the others follow. Valid until the pool changes.
    @inline(__always) public func fields(of row: RowReference) -> UnsafePointer<FieldSlice> {
        regions[Int(row.batch)].fields + Int(row.firstField)
    }

    /// Where the bytes begin that a row's fields count their offsets from. Valid until the pool changes.
    @inline(__always) public func bytes(of row: RowReference) -> UnsafePointer<UInt8> {
        regions[Int(row.batch)].bytes
    }

    /// The field of a row, by column.
    @inline(__always) public func field(_ row: RowReference, _ column: Int) -> FieldSlice {
        fields(of: row)[column]
    }

    /// The bytes of a row's column; nil for null and unchanged. Valid until the pool changes.
    @inline(__always) public func value(_ row: RowReference, _ column: Int) -> UnsafeBufferPointer<UInt8>? {
        let region = regions[Int(row.batch)]
        let field = region.fields[Int(row.firstField) + column]
        guard field.length >= 0 else { return nil }
        return UnsafeBufferPointer(start: region.bytes + Int(field.offset), count: Int(field.length))
    }
}

/// A row in a `RowPool`.
public struct RowReference: BitwiseCopyable, Sendable, Equatable {
    public var batch: Int32
    public var firstField: Int32

    public init(batch: Int32, firstField: Int32) {
        self.batch = batch
        self.firstField = firstField
    }

    public static let none = RowReference(batch: -1, firstField: -1)
    public var isNone: Bool { firstField < 0 }
}

/// What a row's changes were, with the letters of `_meta/op`.
public enum Operation: UInt8, Sendable, BitwiseCopyable {
    case create = 0x63  // c
    case update = 0x75  // u
    case delete = 0x64  // d
    case read = 0x72  // r: a row read by a backfill
    case truncate = 0x74  // t
}

/// What all changes of one key within a flush come to. For an upsert table; no two have the same key.
///
/// To be stored in this order: origins are read, then all deletes are made, then all upserts. (Keys that differ as text
/// can be equal to the destination, `1.0` and `1.00`: a key that moved is a delete and an upsert.)
///
/// Of a table without a key (`LinkBinding.isKeylessMirror`) each stands for one row, and several can be the same:
/// a `delete` takes one row away whose values are `row`'s, which soft deletes keep as deleted where there is an `image`; a
/// `delete` that `isNew` adds a row that is deleted already; anything else adds `row`. Every `row` is whole.
public struct NetChange: BitwiseCopyable, Sendable {
    /// The last operation on the key: `delete` removes (or flags) the row, all else leaves `row` in place.
    public var operation: Operation
    /// Whether the log shows that the destination has no row of this key: its first change was an insert.
    public var isNew: Bool
    /// Whether `row` has unchanged columns: the destination keeps what it has in them.
    public var hasUnchanged: Bool
    /// The row after the changes; of a delete, a row of which the key's columns are valid.
    public var row: RowReference
    /// Of a delete whose row was written in the same flush: the row as it last was (soft deletes store it).
    public var image: RowReference
    /// Where the key moved: a row with the key under which the destination holds the row as the flush begins, with the
    /// unchanged columns among its values. None for a row that the flush itself brought.
    public var origin: RowReference
    /// Whether the row that the destination has under this key as the flush begins is there under another: the `origin` of one.
    public var isMovedAway = false

    public init(operation: Operation, isNew: Bool, row: RowReference) {
        self.operation = operation
        self.isNew = isNew
        self.row = row
        hasUnchanged = false
        image = .none
        origin = .none
    }
}

/// One change as it was, for a delta table.
public struct LoggedChange: BitwiseCopyable, Sendable {
    public var operation: Operation
    /// The row after an insert or update, before a delete; none for a truncate.
    public var row: RowReference
    /// Whether only the replica identity's columns of `row` are known (a delete without full identity).
    public var rowIsKey: Bool
    /// The transaction's commit position, and the change's number within it, from 0, over all tables.
    public var position: LogPosition
    public var sequence: Int64
    /// Commit time, microseconds since 2000-01-01 UTC.
    public var time: Int64
    public var transaction: UInt32
    /// Of an update whose replica identity changed, a row with the identity of before; else none.
    public var before = RowReference.none
    /// Whether `row` has unchanged fields.
    public var hasUnchanged = false

    public init(
        operation: Operation, row: RowReference, rowIsKey: Bool, position: LogPosition, sequence: Int64, time: Int64,
        transaction: UInt32
    ) {
        self.operation = operation
        self.row = row
        self.rowIsKey = rowIsKey
        self.position = position
        self.sequence = sequence
        self.time = time
        self.transaction = transaction
    }
}

/// A run of the log in commit order: whole transactions, or a piece of one that is too large for a batch.
///
/// Row values are copied once from the socket into `bytes` and referred to by slices; nothing is allocated for a row
/// or a column. A batch is filled by one thread and then only read, by any number of links.
///
/// Rows hold values in Postgres' text form, without terminator.
// @unchecked: filled by the capture's thread alone, and never written again once it has been handed to a channel
// (the channel's lock orders the two).
public final class ChangeBatch: @unchecked Sendable {
    public private(set) var events: GrowingBuffer<ChangeEvent>
    public private(set) var fields: GrowingBuffer<FieldSlice>
    public private(set) var bytes: GrowingBuffer<UInt8>
    /// The shapes that the batch's events name by index.
    public private(set) var shapes: [TableShape] = []
    /// What the capture says to itself, by the events' index.
    public private(set) var notes: [String] = []

    public init(byteCapacity: Int = 1 << 12) {
        events = GrowingBuffer(capacity: 16)
        fields = GrowingBuffer(capacity: 64)
        bytes = GrowingBuffer(capacity: byteCapacity)
    }

    deinit {
        events.deallocate()
        fields.deallocate()
        bytes.deallocate()
    }

    public var isEmpty: Bool { events.count == 0 }

    /// Bytes that the batch keeps in memory, for bounds.
    public var footprint: Int { events.footprint + fields.footprint + bytes.footprint }

    /// Bytes in use.
    public var size: Int {
        events.count * MemoryLayout<ChangeEvent>.stride + fields.count * MemoryLayout<FieldSlice>.stride + bytes.count
    }

    public func append(_ event: ChangeEvent) {
        events.append(event)
    }

    /// The index of a shape, added if it is not the one used last.
    public func index(of shape: TableShape) -> Int32 {
        for index in stride(from: shapes.count - 1, through: 0, by: -1) where shapes[index] === shape {
            return Int32(truncatingIfNeeded: index)
        }
        shapes.append(shape)
        return Int32(truncatingIfNeeded: shapes.count - 1)
    }

    /// Keeps a note; returns its index.
    public func add(_ note: String) -> Int32 {
        notes.append(note)
        return Int32(truncatingIfNeeded: notes.count - 1)
    }

    /// The index the next appended field will have: where a row starts.
    public var nextField: Int32 { Int32(truncatingIfNeeded: fields.count) }

    @inline(__always) public func appendNull() {
        fields.append(.null)
    }

    @inline(__always) public func appendUnchanged() {
        fields.append(.unchanged)
    }

    /// A value of no bytes: the empty string, not null.
    public func appendEmpty() {
        fields.append(FieldSlice(offset: 0, length: 0))
    }

    @inline(__always) public func appendValue(_ start: UnsafePointer<UInt8>, count: Int) {
        let offset = bytes.append(from: start, count: count)
        fields.append(FieldSlice(offset: UInt32(truncatingIfNeeded: offset), length: Int32(truncatingIfNeeded: count)))
    }

    /// A field that has no bytes, or shares those of another field of this batch.
    /// Appends a value that is at hand as text.
    public func appendText(_ text: String) {
        ContiguousArray(text.utf8).withUnsafeBufferPointer { value in
            if let start = value.baseAddress {
                appendValue(start, count: value.count)
            } else {
                appendEmpty()
            }
        }
    }

    @inline(__always) public func appendShared(_ field: FieldSlice) {
        fields.append(field)
    }

    /// Copies a row of `count` fields from another batch; returns its first field's index here.
    public func copyRow(_ first: Int32, count: Int, from other: ChangeBatch) -> Int32 {
        let start = nextField
        for index in 0..<count {
            appendField(other.fields[Int(first) + index], from: other)
        }
        return start
    }

    /// Copies one field from another batch.
    public func appendField(_ field: FieldSlice, from other: ChangeBatch) {
        if field.length < 0 {
            fields.append(field)
        } else {
            appendValue(other.bytes.base + Int(field.offset), count: Int(field.length))
        }
    }

    /// Replaces a field by one of the same batch.
    public func setField(_ index: Int, to field: FieldSlice) {
        fields[index] = field
    }

    /// The bytes of a field; nil for a null or an unchanged one. Valid as long as the batch lives.
    @inline(__always) public func value(_ field: FieldSlice) -> UnsafeBufferPointer<UInt8>? {
        guard field.length >= 0 else { return nil }
        return UnsafeBufferPointer(start: bytes.base + Int(field.offset), count: Int(field.length))
    }

    /// Forgets everything and keeps the blocks, for reuse by the thread that fills it.
    public func removeAll() {
        events.removeAll()
        fields.removeAll()
        bytes.removeAll()
        shapes.removeAll(keepingCapacity: true)
        notes.removeAll()
    }
}

/// Where a field's bytes are in its batch. A length of -1 is SQL NULL; -2 a value that the log left out because the
/// update did not change it (TOAST): absent, never null.
public struct FieldSlice: BitwiseCopyable, Sendable, Equatable {
    public var offset: UInt32
    public var length: Int32

    public init(offset: UInt32, length: Int32) {
        self.offset = offset
        self.length = length
    }

    public static let null = FieldSlice(offset: 0, length: -1)
    public static let unchanged = FieldSlice(offset: 0, length: -2)

    @inline(__always) public var isNull: Bool { length == -1 }
    @inline(__always) public var isUnchanged: Bool { length == -2 }
}

/// One event of the log. Which members mean something depends on the kind.
public struct ChangeEvent: BitwiseCopyable, Sendable {
    public enum Kind: UInt8, Sendable, BitwiseCopyable {
        /// A transaction begins: `transaction`, `position` (of its commit record) and `time` (of its commit).
        case begin
        case insert, update, delete
        /// A table was truncated. `continues` where the next event is part of the same TRUNCATE.
        case truncate
        /// The table's rows have another shape from here on.
        case shape
        /// The transaction that began is complete: `position` is the end of its commit record.
        case commit
        /// Outside a transaction: nothing that the capture reads is left before `position`. `time`, where it is not 0: what
        /// the source had committed until then is before it.
        case progress
        /// An operator's signal, in the transaction that sent it or between two: `note` says what it is.
        case signal
        /// The capture has learned something of a table (`shape`) that its backfill state has to keep from here on: `note`.
        case note
    }

    public var kind: Kind
    /// Whether `oldRow` holds the replica identity's columns only (the others read as null).
    public var oldRowIsKey = false
    public var continues = false
    /// Whether `newRow` has unchanged fields.
    public var hasUnchanged = false
    /// Index into the batch's shapes; -1 where no table is concerned.
    public var shape: Int32 = -1
    /// First field of the row after the change (insert, update), of the row before it (update where the log has it,
    /// delete); -1 for none.
    public var newRow: Int32 = -1
    public var oldRow: Int32 = -1
    /// The 32 bits of the transaction's id that the log carries.
    public var transaction: UInt32 = 0
    /// Index into the batch's notes.
    public var note: Int32 = -1
    public var position: LogPosition = .zero
    /// Microseconds since 2000-01-01 UTC, by the source's clock.
    public var time: Int64 = 0

    public init(_ kind: Kind) {
        self.kind = kind
    }
}

import Connectors

/// Changes as bytes of a park: exactly what would have been stored, values that an update left out included, whatever the
/// destination's encoding could make of them.
///
/// A change is its operation's letter, a byte of flags, for delta tables position, sequence, time (8 bytes each) and
/// transaction (4), and the rows that the flags name; a row is, for each column of the shape, a length of 4 bytes (-1 for
/// NULL, -2 for a value that is absent) and the value. Numbers have their highest byte first.
struct ParkedRows {
    private(set) var bytes = ContiguousArray<UInt8>()
    private(set) var count = 0

    private enum Flag {
        static let isNew: UInt8 = 1
        static let hasUnchanged: UInt8 = 2
        static let row: UInt8 = 4
        static let image: UInt8 = 8
        static let origin: UInt8 = 16
        static let rowIsKey: UInt8 = 32
        static let isMovedAway: UInt8 = 64
    }

    mutating func append(_ change: NetChange, columns: Int, rows: RowPool) {
        var flags: UInt8 = 0
        if change.isNew { flags |= Flag.isNew }
        if change.hasUnchanged { flags |= Flag.hasUnchanged }
        if !change.row.isNone { flags |= Flag.row }
        if !change.image.isNone { flags |= Flag.image }
        if !change.origin.isNone { flags |= Flag.origin }
        if change.isMovedAway { flags |= Flag.isMovedAway }
        bytes.append(change.operation.rawValue)
        bytes.append(flags)
        for row in [change.row, change.image, change.origin] where !row.isNone { append(row, columns, rows) }
        count += 1
    }

    mutating func append(_ change: LoggedChange, columns: Int, rows: RowPool) {
        bytes.append(change.operation.rawValue)
        bytes.append((change.row.isNone ? 0 : Flag.row) | (change.rowIsKey ? Flag.rowIsKey : 0))
        append(change.position.rawValue)
        append(UInt64(bitPattern: change.sequence))
        append(UInt64(bitPattern: change.time))
        append(change.transaction)
        if !change.row.isNone { append(change.row, columns, rows) }
        count += 1
    }

    private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func append(_ row: RowReference, _ columns: Int, _ rows: RowPool) {
        for column in 0..<columns {
            append(rows.field(row, column).length)
            if let value = rows.value(row, column) { bytes.append(contentsOf: value) }
        }
    }

    /// The bytes as Postgres reads bytea (manual, "bytea Hex Format").
    var hex: ContiguousArray<UInt8> {
        var text = ContiguousArray<UInt8>()
        text.reserveCapacity(2 * bytes.count + 2)
        text.append(UInt8(ascii: "\\"))
        text.append(UInt8(ascii: "x"))
        for byte in bytes {
            text.append(ParkedRows.digit(byte >> 4))
            text.append(ParkedRows.digit(byte & 15))
        }
        return text
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

/// Reads changes of a park back, with their rows into a batch. Throws where the bytes are none of `ParkedRows`.
struct ParkedRowReader {
    private let bytes: ContiguousArray<UInt8>
    private var place = 0
    private let columns: Int
    private let batch: ChangeBatch
    private let scope: ErrorScope

    /// `hex` is a bytea in its hex format.
    init(hex: UnsafeRawBufferPointer, columns: Int, batch: ChangeBatch, scope: ErrorScope) throws {
        var bytes = ContiguousArray<UInt8>()
        bytes.reserveCapacity(hex.count / 2)
        guard hex.count >= 2, hex.count % 2 == 0, hex[0] == UInt8(ascii: "\\"), hex[1] == UInt8(ascii: "x") else {
            throw ParkedRowReader.fault(scope)
        }
        for index in stride(from: 2, to: hex.count, by: 2) {
            guard let high = ParkedRowReader.value(hex[index]), let low = ParkedRowReader.value(hex[index + 1]) else {
                throw ParkedRowReader.fault(scope)
            }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
        self.columns = columns
        self.batch = batch
        self.scope = scope
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func fault(_ scope: ErrorScope) -> RunError {
        scope.error(
            .needsOperator, "what is parked of it can't be read: somebody changed it",
            hint: "have the table read again: raise `backfill` of its binding in the capture")
    }

    /// Net changes to the end of the bytes.
    mutating func changes() throws -> ContiguousArray<NetChange> {
        var changes = ContiguousArray<NetChange>()
        while place < bytes.count {
            let (operation, flags) = try head()
            var change = NetChange(operation: operation, isNew: flags & 1 != 0, row: .none)
            change.hasUnchanged = flags & 2 != 0
            change.isMovedAway = flags & 64 != 0
            if flags & 4 != 0 { change.row = try row() }
            if flags & 8 != 0 { change.image = try row() }
            if flags & 16 != 0 { change.origin = try row() }
            guard !change.row.isNone else { throw ParkedRowReader.fault(scope) }
            changes.append(change)
        }
        return changes
    }

    /// Changes of a delta table to the end of the bytes.
    mutating func log() throws -> ContiguousArray<LoggedChange> {
        var changes = ContiguousArray<LoggedChange>()
        while place < bytes.count {
            let (operation, flags) = try head()
            let position: UInt64 = try number()
            let sequence: UInt64 = try number()
            let time: UInt64 = try number()
            let transaction: UInt32 = try number()
            changes.append(
                LoggedChange(
                    operation: operation, row: flags & 4 != 0 ? try row() : .none, rowIsKey: flags & 32 != 0,
                    position: LogPosition(position), sequence: Int64(bitPattern: sequence),
                    time: Int64(bitPattern: time), transaction: transaction))
        }
        return changes
    }

    private mutating func head() throws -> (Operation, UInt8) {
        let letter: UInt8 = try number()
        let flags: UInt8 = try number()
        guard let operation = Operation(rawValue: letter) else { throw ParkedRowReader.fault(scope) }
        return (operation, flags)
    }

    private mutating func number<Number: FixedWidthInteger>() throws -> Number {
        let size = MemoryLayout<Number>.size
        guard place + size <= bytes.count else { throw ParkedRowReader.fault(scope) }
        defer { place += size }
        var number: Number = 0
        for index in place..<place + size { number = (number << 8) | Number(truncatingIfNeeded: bytes[index]) }
        return number
    }

    private mutating func row() throws -> RowReference {
        let first = batch.nextField
        for _ in 0..<columns {
            let length: Int32 = try number()
            switch length {
            case -1: batch.appendNull()
            case -2: batch.appendUnchanged()
            case 0: batch.appendEmpty()
            case 1...:
                guard place + Int(length) <= bytes.count else { throw ParkedRowReader.fault(scope) }
                bytes.withUnsafeBufferPointer { bytes in
                    if let start = bytes.baseAddress { batch.appendValue(start + place, count: Int(length)) }
                }
                place += Int(length)
            default: throw ParkedRowReader.fault(scope)
            }
        }
        return RowReference(batch: 0, firstField: first)
    }
}

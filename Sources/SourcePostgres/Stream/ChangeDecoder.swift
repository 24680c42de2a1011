import Connectors
import Postgres

/// Turns pgoutput messages into events of a batch (manual, "Logical Replication Message Formats", protocol version 1, values
/// as text). A row's values are copied once; nothing is allocated for a row or a column.
struct ChangeDecoder {
    let relations: RelationCache
    let storage: StorageWatch
    let truncate: PostgresCaptureConfig.TruncateMode
    /// The open transaction; zero between two.
    private var transaction: UInt32 = 0
    /// Its commit record's.
    private var position = LogPosition.zero
    private(set) var isInTransaction = false
    /// The signal table, its number once the stream has announced it, and how many signals the open transaction has had.
    private let signalTable: QualifiedName?
    private var signalRelation: UInt32?
    private var signalCount = 0
    /// End of the last whole transaction.
    private(set) var lastCommit = LogPosition.zero

    init(
        relations: RelationCache, storage: StorageWatch, truncate: PostgresCaptureConfig.TruncateMode,
        signalTable: QualifiedName? = nil
    ) {
        self.signalTable = signalTable
        self.relations = relations
        self.storage = storage
        self.truncate = truncate
    }

    /// Appends what one message says. Throws `internal` for a message that is not what the manual says.
    mutating func decode(_ message: UnsafeRawBufferPointer, into batch: ChangeBatch) throws {
        var reader = MessageReader(message)
        switch try reader.byte() {
        case UInt8(ascii: "I"): try insert(&reader, batch)
        case UInt8(ascii: "U"): try update(&reader, batch)
        case UInt8(ascii: "D"): try delete(&reader, batch)
        case UInt8(ascii: "B"): try begin(&reader, batch)
        case UInt8(ascii: "C"): try commit(&reader, batch)
        case UInt8(ascii: "R"):
            let relation = try RelationMessage(&reader)
            storage.announce(relation)
            noteSignals(relation)
            if let shape = try relations.learn(relation) {
                var event = ChangeEvent(.shape)
                event.shape = batch.index(of: shape)
                event.transaction = transaction
                batch.append(event)
            }
        case UInt8(ascii: "T"): try truncate(&reader, batch)
        case UInt8(ascii: "Y"), UInt8(ascii: "O"), UInt8(ascii: "M"): break
        default: throw MessageReader.malformed
        }
    }

    // MARK: - Transactions

    private mutating func begin(_ reader: inout MessageReader, _ batch: ChangeBatch) throws {
        var event = ChangeEvent(.begin)
        position = LogPosition(try reader.uint64())
        event.position = position
        event.time = Int64(bitPattern: try reader.uint64())
        transaction = try reader.uint32()
        event.transaction = transaction
        isInTransaction = true
        signalCount = 0
        batch.append(event)
    }

    private mutating func commit(_ reader: inout MessageReader, _ batch: ChangeBatch) throws {
        _ = try reader.byte()
        _ = try reader.uint64()
        var event = ChangeEvent(.commit)
        event.position = LogPosition(try reader.uint64())
        event.transaction = transaction
        isInTransaction = false
        lastCommit = event.position
        batch.append(event)
    }

    // MARK: - Rows

    /// The shape of a changed row; nil for a table that is not captured.
    @inline(__always)
    private func shape(_ reader: inout MessageReader, _ batch: ChangeBatch) throws -> TableShape? {
        try shape(of: try reader.uint32(), batch)
    }

    @inline(__always)
    private func shape(of relation: UInt32, _ batch: ChangeBatch) throws -> TableShape? {
        let shape = relations.shape(of: relation)
        if storage.isAnnounced { try storage.change(relation, at: position, shape, into: batch) }
        return shape
    }

    @inline(__always)
    private mutating func insert(_ reader: inout MessageReader, _ batch: ChangeBatch) throws {
        let relation = try reader.uint32()
        if relation == signalRelation { return try signal(&reader, batch) }
        guard let shape = try shape(of: relation, batch) else { return }
        guard try reader.byte() == UInt8(ascii: "N") else { throw MessageReader.malformed }
        var event = ChangeEvent(.insert)
        event.shape = batch.index(of: shape)
        event.transaction = transaction
        event.newRow = batch.nextField
        _ = try row(&reader, shape, batch)
        batch.append(event)
    }

    @inline(__always)
    private func update(_ reader: inout MessageReader, _ batch: ChangeBatch) throws {
        guard let shape = try shape(&reader, batch) else { return }
        var event = ChangeEvent(.update)
        event.shape = batch.index(of: shape)
        event.transaction = transaction
        var kind = try reader.byte()
        if kind == UInt8(ascii: "K") || kind == UInt8(ascii: "O") {
            event.oldRowIsKey = isKeyOnly(kind, shape)
            event.oldRow = batch.nextField
            _ = try row(&reader, shape, batch)
            kind = try reader.byte()
        }
        guard kind == UInt8(ascii: "N") else { throw MessageReader.malformed }
        event.newRow = batch.nextField
        if try row(&reader, shape, batch) {
            event.hasUnchanged = event.oldRow < 0 || fillUnchanged(event, shape, batch)
        }
        batch.append(event)
    }

    @inline(__always)
    private func delete(_ reader: inout MessageReader, _ batch: ChangeBatch) throws {
        guard let shape = try shape(&reader, batch) else { return }
        let kind = try reader.byte()
        guard kind == UInt8(ascii: "K") || kind == UInt8(ascii: "O") else { throw MessageReader.malformed }
        var event = ChangeEvent(.delete)
        event.shape = batch.index(of: shape)
        event.transaction = transaction
        event.oldRowIsKey = isKeyOnly(kind, shape)
        event.oldRow = batch.nextField
        _ = try row(&reader, shape, batch)
        batch.append(event)
    }

    /// Copies a tuple; says whether it left a value out.
    @inline(__always)
    private func row(_ reader: inout MessageReader, _ shape: TableShape, _ batch: ChangeBatch) throws -> Bool {
        let count = Int(try reader.uint16())
        guard count == shape.columns.count else { throw MessageReader.malformed }
        var hasUnchanged = false
        for _ in 0..<count {
            switch try reader.byte() {
            case UInt8(ascii: "t"):
                let length = Int(try reader.uint32())
                let start = try reader.bytes(length)
                if length == 0 {
                    batch.appendEmpty()
                } else {
                    batch.appendValue(start, count: length)
                }
            case UInt8(ascii: "n"):
                batch.appendNull()
            case UInt8(ascii: "u"):
                batch.appendUnchanged()
                hasUnchanged = true
            default:
                throw MessageReader.malformed
            }
        }
        return hasUnchanged
    }

    /// A partition's old rows come under its root's identity, which can be wider than its own (`LeafIdentity`).
    @inline(__always)
    private func isKeyOnly(_ kind: UInt8, _ shape: TableShape) -> Bool {
        kind == UInt8(ascii: "K") || !shape.hasWholeOldRows
    }

    /// Takes values that the new row left out from the old one where the log has them there: the key's always, with full
    /// identity every column's. Returns whether some are still absent. What is stored out of line is never NULL: an old NULL
    /// beside it says that the log lacks the value.
    private func fillUnchanged(_ event: ChangeEvent, _ shape: TableShape, _ batch: ChangeBatch) -> Bool {
        var isLeft = false
        for (index, column) in shape.columns.enumerated() where batch.fields[Int(event.newRow) + index].isUnchanged {
            let old = batch.fields[Int(event.oldRow) + index]
            if !old.isUnchanged, !old.isNull, !event.oldRowIsKey || column.isIdentity {
                batch.setField(Int(event.newRow) + index, to: old)
            } else {
                isLeft = true
            }
        }
        return isLeft
    }

    // MARK: - Signals

    private mutating func noteSignals(_ relation: RelationMessage) {
        guard let signalTable else { return }
        if QualifiedName(relation.namespace, relation.name) == signalTable {
            signalRelation = relation.id
        } else if relation.id == signalRelation {
            signalRelation = nil
        }
    }

    /// A row of the signal table: id, type and data by their places.
    private mutating func signal(_ reader: inout MessageReader, _ batch: ChangeBatch) throws {
        guard try reader.byte() == UInt8(ascii: "N") else { throw MessageReader.malformed }
        var values: [String?] = []
        var isTooLong = false
        for _ in 0..<Int(try reader.uint16()) {
            switch try reader.byte() {
            case UInt8(ascii: "t"):
                let length = Int(try reader.uint32())
                let start = try reader.bytes(length)
                guard values.count < 3 else { continue }
                let most = values.count < 2 ? 256 : SignalNote.mostBytes
                isTooLong = isTooLong || length > most
                values.append(
                    String(decoding: UnsafeBufferPointer(start: start, count: min(length, most)), as: UTF8.self))
            case UInt8(ascii: "n"), UInt8(ascii: "u"):
                if values.count < 3 { values.append(nil) }
            default:
                throw MessageReader.malformed
            }
        }
        values += Array(repeating: nil, count: max(0, 3 - values.count))
        var note = SignalNote(
            place: "\(position)/\(signalCount)", id: values[0] ?? "", type: values[1] ?? "", data: values[2])
        if isTooLong {
            note.isTooLong = true
            note.data = nil
        }
        signalCount += 1
        var event = ChangeEvent(.signal)
        event.transaction = transaction
        event.note = batch.add(note.text)
        batch.append(event)
    }

    // MARK: - Whole tables

    private func truncate(_ reader: inout MessageReader, _ batch: ChangeBatch) throws {
        let count = Int(try reader.uint32())
        _ = try reader.byte()
        storage.forgetAnnounced()
        var shapes: [TableShape] = []
        for _ in 0..<count {
            if let shape = relations.shape(of: try reader.uint32()) { shapes.append(shape) }
        }
        for shape in shapes { storage.truncated(shape, by: transaction, at: position, into: batch) }
        switch truncate {
        case .ignore: return
        case .apply: break
        case .halt:
            guard let shape = shapes.first else { return }
            throw RunError(
                .needsOperator, operation: "follow", object: "table \(shape.namespace).\(shape.name)",
                message: "it was truncated, and advanced.truncate says halt",
                hint: "set advanced.truncate to apply or ignore", binding: relations.binding(ofTable: shape.table))
        }
        for (index, shape) in shapes.enumerated() {
            var event = ChangeEvent(.truncate)
            event.shape = batch.index(of: shape)
            event.transaction = transaction
            event.continues = index + 1 < shapes.count
            batch.append(event)
        }
    }
}

/// A relation message: the columns that rows of the relation will have from here on.
struct RelationMessage {
    struct Column {
        var isKey: Bool
        var name: String
        var typeOID: UInt32
        var typeModifier: Int32
    }

    var id: UInt32
    var namespace: String
    var name: String
    var columns: [Column]

    /// Reads what follows the message's type.
    init(_ reader: inout MessageReader) throws {
        id = try reader.uint32()
        let schema = try reader.string()
        namespace = schema.isEmpty ? "pg_catalog" : schema
        name = try reader.string()
        _ = try reader.byte()
        let count = Int(try reader.uint16())
        columns = []
        for _ in 0..<count {
            let flags = try reader.byte()
            let name = try reader.string()
            let type = try reader.uint32()
            columns.append(
                Column(
                    isKey: flags & 1 != 0, name: name, typeOID: type,
                    typeModifier: Int32(bitPattern: try reader.uint32())))
        }
    }
}

/// Reads big-endian numbers and bytes from a message, checking every length.
struct MessageReader {
    private var next: UnsafeRawPointer
    private let end: UnsafeRawPointer

    static var malformed: RunError {
        RunError(.internal, operation: "decode", object: "the log", message: "a message is not what the manual says")
    }

    init(_ message: UnsafeRawBufferPointer) {
        next = message.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        end = next + message.count
    }

    @inline(__always) private mutating func take(_ count: Int) throws -> UnsafeRawPointer {
        guard count >= 0, end - next >= count else { throw MessageReader.malformed }
        defer { next += count }
        return next
    }

    @inline(__always) mutating func byte() throws -> UInt8 { try take(1).load(as: UInt8.self) }

    @inline(__always) mutating func uint16() throws -> UInt16 {
        UInt16(bigEndian: try take(2).loadUnaligned(as: UInt16.self))
    }

    @inline(__always) mutating func uint32() throws -> UInt32 {
        UInt32(bigEndian: try take(4).loadUnaligned(as: UInt32.self))
    }

    @inline(__always) mutating func uint64() throws -> UInt64 {
        UInt64(bigEndian: try take(8).loadUnaligned(as: UInt64.self))
    }

    @inline(__always) mutating func bytes(_ count: Int) throws -> UnsafePointer<UInt8> {
        try take(count).assumingMemoryBound(to: UInt8.self)
    }

    /// Up to the next zero byte.
    mutating func string() throws -> String {
        let start = next
        while try byte() != 0 {}
        return String(decoding: UnsafeRawBufferPointer(start: start, count: next - start - 1), as: UTF8.self)
    }
}

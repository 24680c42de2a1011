import Connectors
import Glibc
import JSON
import Postgres

/// Reads a temporary slot from where it was made, and turns each change into a document. Used by one thread.
final class PreviewStream {
    private let replication: Connection
    private let relations: RelationCache
    private var decoder: ChangeDecoder
    private var documents: RowDocument
    private let side: Connection
    private let batch = ChangeBatch()
    /// The open transaction's commit record, time and id; the end of the one before.
    private var transaction: (final: UInt64, time: Int64, id: UInt32) = (0, 0, 0)
    private var lastCommit: UInt64
    /// The place of the last change, and how many changes have had it: rows that one record brings share it.
    private var lastPlace: (start: UInt64, count: UInt64) = (0, 0)
    private var lastStatus = 0

    init(
        replication: Connection, side: Connection, sources: [TableSource], shapes: [TableShape], documents: RowDocument,
        from position: LogPosition
    ) {
        self.replication = replication
        self.side = side
        self.documents = documents
        lastCommit = position.rawValue
        relations = RelationCache(sources: sources, shapes: shapes, connection: side)
        // Truncates are said, and change no document.
        decoder = ChangeDecoder(
            relations: relations, storage: StorageDoubts().watch(sources, side) { _ in }, truncate: .apply)
    }

    /// Hands over what comes within some milliseconds, in the log's order; whether `emit` wants more.
    func read(
        wait milliseconds: Int, stop: StopSignal, note: (String) -> Void,
        emit: (Int, JSONObject) -> Bool
    ) throws -> Bool {
        var wantsMore = true
        try replication.waitReadable(milliseconds: milliseconds, wakeDescriptor: stop.descriptor)
        _ = try replication.receiveReplication { frame in
            guard wantsMore else { return }
            wantsMore = try take(frame, note, emit)
        }
        if PreviewStream.now() - lastStatus >= 5 { try sendStatus() }
        return wantsMore
    }

    private func take(
        _ frame: UnsafeRawBufferPointer, _ note: (String) -> Void, _ emit: (Int, JSONObject) -> Bool
    ) throws -> Bool {
        guard let kind = frame.first else { return true }
        var reader = MessageReader(UnsafeRawBufferPointer(rebasing: frame[1...]))
        let start = try reader.uint64()
        guard kind == UInt8(ascii: "w") else {
            _ = try reader.uint64()
            if try reader.byte() != 0 { try sendStatus() }
            return true
        }
        guard frame.count > 25 else { throw MessageReader.malformed }
        try decoder.decode(UnsafeRawBufferPointer(rebasing: frame[25...]), into: batch)
        defer { batch.removeAll() }
        for event in batch.events.elements {
            switch event.kind {
            case .begin: transaction = (event.position.rawValue, event.time, event.transaction)
            case .commit: lastCommit = event.position.rawValue
            case .shape: documents.values = DocumentValue(types: try TypeTable(side), binary: documents.values.binary)
            case .truncate:
                let shape = batch.shapes[Int(event.shape)]
                note("table \(shape.namespace).\(shape.name) was truncated: no document says so")
            case .insert, .update, .delete:
                let shape = batch.shapes[Int(event.shape)]
                let place = RowDocument.Place(
                    location: [lastCommit, distinct(start), transaction.final], transaction: transaction.id,
                    time: transaction.time)
                if let document = documents.ofChange(event, at: place, shape, batch), !emit(shape.table, document) {
                    return false
                }
            case .progress, .note, .signal: break
            }
        }
        return true
    }

    /// Places tell documents of tables without a key apart. A record that brings several rows is longer than their number.
    private func distinct(_ start: UInt64) -> UInt64 {
        lastPlace = start == lastPlace.start ? (start, lastPlace.count + 1) : (start, 0)
        return start + lastPlace.count
    }

    private func sendStatus() throws {
        try replication.sendStandbyStatus(LSN(lastCommit), requestReply: false)
        lastStatus = PreviewStream.now()
    }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }
}

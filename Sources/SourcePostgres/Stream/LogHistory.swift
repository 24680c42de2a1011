import Connectors
import Postgres

/// Which transactions a slot shows again from its own position up to the checkpoints that are ahead of it.
///
/// The slot's position is one that was acknowledged, so a checkpoint is in most cases equal to it, or a little ahead. A server
/// that was restored from an older backup, or a standby that was behind as it was promoted, can have grown past the checkpoint
/// since: then another history lies before that place, and going on from it would leave a hole that nobody notices. So where
/// the slot is behind a checkpoint, the last transaction that it shows before that place must be the one that the checkpoint
/// names; or none, where that one is before the slot's position. Transaction, place and time of commit all count.
struct LogHistory {
    /// By checkpoint's position: the last transaction before it that the slot shows.
    private(set) var lastBefore: [LogPosition: LoggedTransaction] = [:]
    /// Where the slot stands.
    let begin: LogPosition

    /// Reads from the slot's position until every one of `positions` has been passed. Acknowledges nothing. The stream of
    /// `replication` stays open: the caller closes the connection.
    init(
        of config: PostgresCaptureConfig, from begin: LogPosition, upTo positions: [LogPosition],
        on replication: Connection, stop: StopSignal
    ) throws {
        self.begin = begin
        guard let end = positions.max() else { return }
        try replication.startReplication(
            slot: config.slot, at: LSN(begin.rawValue),
            options: [("proto_version", "1"), ("publication_names", Identifier(config.publication).quoted)])
        var reached = begin
        var found: [LogPosition: LoggedTransaction] = [:]
        var isInTransaction = false
        while reached < end, !stop.isRequested {
            try replication.sendStandbyStatus(LSN(begin.rawValue), requestReply: true)
            try replication.waitReadable(milliseconds: 50, wakeDescriptor: stop.descriptor)
            _ = try replication.receiveReplication { frame in
                guard let (position, transaction) = try LogHistory.read(frame, &isInTransaction) else { return }
                if let transaction {
                    for place in positions where transaction.position < place { found[place] = transaction }
                }
                reached = max(reached, position)
            }
        }
        lastBefore = found
    }

    /// How far a frame shows the log to be, and the transaction that it begins; nil for one that says neither.
    private static func read(
        _ frame: UnsafeRawBufferPointer, _ isInTransaction: inout Bool
    ) throws -> (LogPosition, LoggedTransaction?)? {
        var reader = MessageReader(frame)
        switch try reader.byte() {
        case UInt8(ascii: "w"):
            _ = try (reader.uint64(), reader.uint64(), reader.uint64())
            switch try reader.byte() {
            case UInt8(ascii: "B"):
                isInTransaction = true
                let position = LogPosition(try reader.uint64())
                let time = Int64(bitPattern: try reader.uint64())
                return (position, LoggedTransaction(position: position, id: try reader.uint32(), time: time))
            case UInt8(ascii: "C"):
                isInTransaction = false
                _ = try reader.byte()
                _ = try reader.uint64()
                return (LogPosition(try reader.uint64()), nil)
            default: return nil
            }
        case UInt8(ascii: "k"):
            let end = LogPosition(try reader.uint64())
            return isInTransaction ? nil : (end, nil)
        default: throw MessageReader.malformed
        }
    }

    /// Whether the slot shows what led to a checkpoint.
    func leads(to position: LogPosition, last: LoggedTransaction?) -> Bool {
        let shown = lastBefore[position]
        guard let last, last.position >= begin else { return shown == nil }
        return shown == last
    }
}

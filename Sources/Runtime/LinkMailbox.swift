import Connectors

/// What waits for a link's thread: batches of the log, in order and bounded in bytes, and the backfill readers' messages.
///
/// A capture that finds no room waits: that is how a slow destination slows its source down, and Postgres keeps the log.
final class LinkMailbox: Sendable {
    /// What a reader's thread asks or says.
    enum Message {
        case wantsChunk(ChunkDesk)
        case bounded(ChunkDelivery)
        case ready(ChunkDelivery)
        /// With the shape that the destination must have first, where that is why.
        case gaveUp(ChunkDelivery, TableShape?)

        /// The binding that it is about; nil for a reader that has none yet.
        var binding: Int? {
            switch self {
            case .wantsChunk: nil
            case .bounded(let delivery), .ready(let delivery), .gaveUp(let delivery, _): delivery.chunk.binding
            }
        }
    }

    /// What the link's thread does next.
    enum Item {
        case message(Message)
        case batch(ChangeBatch)
        /// The capture has ended: no batch will follow.
        case end
    }

    private struct State {
        var batches: [ChangeBatch] = []
        var bytes = 0
        var messages: [Message] = []
        var ended = false
        var closed = false
        var refusal: ((Message) -> Void)?
    }

    private let state = Monitor(State())
    private let capacity: Int

    init(capacityBytes: Int) {
        capacity = capacityBytes
    }

    /// Adds a batch if there is room, or none waiting; waits up to `milliseconds` for it. A closed or ended mailbox takes
    /// all and keeps none.
    func offer(_ batch: ChangeBatch, wait milliseconds: Int) -> Bool {
        let size = batch.footprint
        return state.wait(milliseconds: milliseconds) { state in
            if state.closed || state.ended { return true }
            guard state.batches.isEmpty || state.bytes + size <= capacity else { return nil }
            state.batches.append(batch)
            state.bytes += size
            return true
        } ?? false
    }

    /// A mailbox that refuses messages answers at once.
    func send(_ message: Message) {
        let refusal = state.update { state -> ((Message) -> Void)? in
            if state.refusal == nil { state.messages.append(message) }
            return state.refusal
        }
        refusal?(message)
    }

    /// The link's thread is gone: every message that waits or comes is answered by `refusal`, on the sender's thread.
    func refuseMessages(_ refusal: @escaping (Message) -> Void) {
        let waiting = state.update { state -> [Message] in
            defer { state.messages.removeAll() }
            state.refusal = refusal
            return state.messages
        }
        waiting.forEach(refusal)
    }

    func end() {
        state.update { $0.ended = true }
    }

    /// The link's thread is gone: drops what waits.
    func close() {
        state.update {
            $0.closed = true
            $0.batches.removeAll()
            $0.bytes = 0
        }
    }

    /// Messages first, then batches, then the end; nil after `milliseconds` without any. With `holdsLog` batches stay, also at
    /// the end.
    func next(wait milliseconds: Int, holdsLog: Bool = false) -> Item? {
        state.wait(milliseconds: milliseconds) { state in
            if !state.messages.isEmpty { return .message(state.messages.removeFirst()) }
            if !holdsLog, !state.batches.isEmpty {
                let batch = state.batches.removeFirst()
                state.bytes -= batch.footprint
                return .batch(batch)
            }
            return state.ended ? .end : nil
        }
    }

    /// Only messages about the chunk of one binding, so that the link can wait for its reader without going on in the log.
    /// The others stay: in the middle of a batch no other chunk may come to have other bounds than those that the batch's
    /// rows were compared with.
    func nextMessage(about binding: Int, wait milliseconds: Int) -> Message? {
        state.wait(milliseconds: milliseconds) { state in
            state.messages.firstIndex { $0.binding == binding }.map { state.messages.remove(at: $0) }
        }
    }

    var hasBatch: Bool { state.read { !$0.batches.isEmpty } }
}

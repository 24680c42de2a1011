import Connectors
import Synchronization

/// Where a reader's thread waits for the link's answer to "is there a chunk to read?".
final class ChunkDesk: Sendable {
    enum Answer {
        case read(ChunkDelivery)
        /// Every row has been copied, or the link stops: the reader can go.
        case nothingLeft
    }

    private let answer = Monitor<Answer?>(nil)

    func reply(_ answer: Answer) {
        self.answer.update { $0 = answer }
    }

    func wait() -> Answer {
        answer.wait { $0 } ?? .nothingLeft
    }
}

/// A chunk between the link's thread, which opened it and will finish it, and the reader's thread.
// @unchecked: `chunk` and `writer` belong to the reader until it has sent `ready` or `gaveUp`, then to the link until
// `settle`; the mailbox's lock and that of `settled` order the hand-over.
final class ChunkDelivery: @unchecked Sendable {
    let chunk: Chunk
    let shape: TableShape
    /// Set by the reader before it sends `ready`.
    var writer: (any ChunkWriter)?
    private let abandoned = Atomic<Bool>(false)
    private let settled = Monitor(false)

    init(chunk: Chunk, shape: TableShape) {
        self.chunk = chunk
        self.shape = shape
    }

    /// Asks the reader to give up; it answers with `gaveUp`, or is waiting with `ready` already.
    func abandon() {
        abandoned.store(true, ordering: .releasing)
    }

    var isAbandoned: Bool { abandoned.load(ordering: .acquiring) }

    /// The link is through with the chunk: it was committed, or rolled back.
    func settle() {
        settled.update { $0 = true }
    }

    func waitUntilSettled() {
        _ = settled.wait { $0 ? true : nil }
    }
}

/// The loop of one reader's thread: asks the link for a chunk, reads it, hands it over, until nothing is left.
struct ChunkWorker {
    let mailbox: LinkMailbox
    let reader: any ChunkReader
    let writer: any ChunkWriter

    func run() throws {
        defer {
            reader.close()
            writer.close()
        }
        while true {
            let desk = ChunkDesk()
            mailbox.send(.wantsChunk(desk))
            guard case .read(let delivery) = desk.wait() else { return }
            try deliver(delivery)
        }
    }

    private func deliver(_ delivery: ChunkDelivery) throws {
        let result: ChunkResult
        do {
            result = try reader.read(
                delivery.chunk, shape: delivery.shape, into: writer,
                bounded: { mailbox.send(.bounded(delivery)) }, isAbandoned: { delivery.isAbandoned })
        } catch {
            writer.abandon()
            mailbox.send(.gaveUp(delivery, nil))
            throw error
        }
        switch result {
        case .complete:
            delivery.writer = writer
            mailbox.send(.ready(delivery))
            delivery.waitUntilSettled()
        case .abandoned:
            writer.abandon()
            mailbox.send(.gaveUp(delivery, nil))
        case .reshaped(let shape):
            writer.abandon()
            mailbox.send(.gaveUp(delivery, shape))
        }
    }
}

import Connectors
import Synchronization
import Testing

@testable import Runtime

@Suite("a link's mailbox")
struct LinkMailboxTests {
    private func batch() -> ChangeBatch {
        let batch = ChangeBatch()
        batch.append(ChangeEvent(.progress))
        return batch
    }

    private func isEnd(_ item: LinkMailbox.Item?) -> Bool {
        if case .end = item { return true }
        return false
    }

    @Test("batches come in order, messages before them, the end last")
    func order() {
        let mailbox = LinkMailbox(capacityBytes: 1 << 30)
        let batches = [batch(), batch()]
        for batch in batches { #expect(mailbox.offer(batch, wait: 0)) }
        mailbox.send(.wantsChunk(ChunkDesk()))
        mailbox.end()
        guard case .message(.wantsChunk) = mailbox.next(wait: 0) else { return #expect(Bool(false), "a message") }
        for expected in batches {
            guard case .batch(let batch) = mailbox.next(wait: 0) else { return #expect(Bool(false), "a batch") }
            #expect(batch === expected)
        }
        #expect(isEnd(mailbox.next(wait: 0)))
    }

    @Test("who waits for one chunk's reader leaves what is about other chunks, in its order")
    func about() {
        let mailbox = LinkMailbox(capacityBytes: 1)
        let deliveries = [0, 1, 0].map { binding in
            ChunkDelivery(
                chunk: Chunk(binding: binding, position: .zero, firstSequence: 0),
                shape: TableShape(table: binding, namespace: "public", name: "t", columns: []))
        }
        mailbox.send(.wantsChunk(ChunkDesk()))
        mailbox.send(.bounded(deliveries[0]))
        mailbox.send(.gaveUp(deliveries[1], nil))
        mailbox.send(.ready(deliveries[2]))
        guard case .gaveUp(let found, _) = mailbox.nextMessage(about: 1, wait: 0) else {
            return #expect(Bool(false), "what is about the second chunk")
        }
        #expect(found === deliveries[1])
        #expect(mailbox.nextMessage(about: 1, wait: 10) == nil)
        guard case .message(.wantsChunk) = mailbox.next(wait: 0), case .message(.bounded) = mailbox.next(wait: 0),
            case .message(.ready) = mailbox.next(wait: 0)
        else { return #expect(Bool(false), "the others, as they came") }
    }

    @Test("a full mailbox takes no more until there is room; an empty one takes a batch of any size")
    func bound() {
        let mailbox = LinkMailbox(capacityBytes: 1)
        #expect(mailbox.offer(batch(), wait: 0))
        #expect(!mailbox.offer(batch(), wait: 10))
        _ = mailbox.next(wait: 0)
        #expect(mailbox.offer(batch(), wait: 0))
    }

    @Test("one that has ended swallows what comes, so that its link can end while others go on")
    func ended() {
        let mailbox = LinkMailbox(capacityBytes: 1)
        #expect(mailbox.offer(batch(), wait: 0))
        mailbox.end()
        for _ in 0..<3 { #expect(mailbox.offer(batch(), wait: 0)) }
        guard case .batch = mailbox.next(wait: 0) else { return #expect(Bool(false), "what came before the end") }
        #expect(isEnd(mailbox.next(wait: 0)))
    }

    @Test("whoever asks a link that is gone is answered at once")
    func gone() {
        let mailbox = LinkMailbox(capacityBytes: 1)
        let early = ChunkDesk()
        mailbox.send(.wantsChunk(early))
        mailbox.refuseMessages { message in
            if case .wantsChunk(let desk) = message { desk.reply(.nothingLeft) }
        }
        let late = ChunkDesk()
        mailbox.send(.wantsChunk(late))
        for desk in [early, late] {
            guard case .nothingLeft = desk.wait() else { return #expect(Bool(false), "an answer") }
        }
    }
}

import Connectors
import Synchronization

/// One reading of the log for the links that could be opened: a thread for each link, threads for its backfills, and the
/// caller's thread for the log.
final class LinkSession {
    private let runner: CaptureRunner
    private let start: CaptureStart
    private let links: [(member: LinkMember, link: Link)]
    private var capture: any Capture { runner.capture }

    init(_ runner: CaptureRunner, _ start: CaptureStart, _ links: [(member: LinkMember, link: Link)]) {
        self.runner = runner
        self.start = start
        self.links = links
    }

    func close() {
        for (_, link) in links { link.transactor.close() }
    }

    // MARK: - Running

    /// Blocks until the session ends. True where all is done: stopped on request, or (`once`) caught up.
    func run(onProgress: () -> Void) throws -> Bool {
        defer { close() }
        let stop = runner.stop.follower()
        defer { runner.stop.release(stop) }
        let log = try capture.openSession(from: start.position, stop: stop)
        defer { log.close() }

        let course = SessionCourse(runner, links.count, stop)
        let groups = links.map { spawn($0.link, $0.member, course) }
        for member in runner.members where member.delay != nil { course.awaitDestination(member) }
        do {
            try stream(log, stop, onProgress)
        } catch {
            if let member = owner(of: error) { runner.note(error, of: member) } else { course.fail(error) }
        }
        stop.request()
        for (_, link) in links { link.mailbox.end() }
        for group in groups { try? group.join() }
        for (member, link) in links { member.unanswered(link.status.unanswered) }
        if let failure = course.failure { throw failure }
        try log.acknowledge(durable(), now: true)
        return runner.stop.isRequested || (runner.once && isCaughtUp)
    }

    /// The link that an error of the log's reading is about: one whose table lacks what the log doesn't show.
    private func owner(of error: any Error) -> LinkMember? {
        guard let error = error as? RunError, error.incompatibility != nil || error.gap != nil else { return nil }
        return links.first { $0.member.name == error.task }?.member
    }

    private func stream(_ log: any CaptureSession, _ stop: StopSignal, _ onProgress: () -> Void) throws {
        let statuses = links.map(\.link.status)
        var reported = false
        while !stop.isRequested {
            if runner.once, isCaughtUp { return }
            let wantsProgress = statuses.contains { $0.awaited > $0.durable }
            let batch = ChangeBatch()
            do {
                try log.read(into: batch, wait: wantsProgress ? 20 : 500, wantsProgress: wantsProgress)
            } catch let error as RunError where error.gap != nil {
                // Said between two transactions: what comes before need not be read once more, in a shape that the table that is
                // mended has no longer.
                if !batch.isEmpty { try offer(batch, of: log, stop) }
                throw error
            }
            if !batch.isEmpty {
                guard try offer(batch, of: log, stop) else { return }
                if !reported {
                    onProgress()
                    reported = true
                }
            }
            try log.acknowledge(durable(), now: false)
        }
    }

    /// Hands a batch to every link; false where the session ends before all have taken it.
    @discardableResult
    private func offer(_ batch: ChangeBatch, of log: any CaptureSession, _ stop: StopSignal) throws -> Bool {
        for (_, link) in links {
            while !link.mailbox.offer(batch, wait: 1000) {
                if stop.isRequested { return false }
                try log.acknowledge(durable(), now: true)
            }
        }
        return true
    }

    private var isCaughtUp: Bool {
        links.allSatisfy { $0.link.status.isCaughtUp || $0.member.stopError != nil }
            && runner.members.allSatisfy { $0.delay == nil }
    }

    /// What every link of the catalog has on disk, of those that are away as far as it is known.
    private func durable() -> LogPosition {
        for (member, link) in links { member.reached(link.status.durable) }
        return (runner.members.map(\.durable) + [runner.keptFrom].compactMap { $0 }).min() ?? .zero
    }

    // MARK: - Threads

    /// The link's own thread and those of its backfills. The first that fails ends the others.
    private func spawn(_ link: Link, _ member: LinkMember, _ course: SessionCourse) -> ThreadGroup {
        let stop = course.stop.follower()
        let mailbox = link.mailbox
        let status = link.status
        let threads = ThreadGroup(onFailure: { error in
            mailbox.end()
            stop.request()
            member.reached(status.durable)
            course.linkFailed(error, member)
        })
        do {
            if !link.backfills.isAtRest { link.readers = try spawnReaders(of: link, in: threads, stop: stop) }
        } catch {
            threads.spawn("backfill") { throw error }
        }
        link.summonReaders = { [self, unowned link] in try spawnReaders(of: link, in: threads, stop: stop) }
        let handOver = HandOver(link)
        threads.spawn("link") { try handOver.value.run() }
        return threads
    }

    /// Starts what reads chunks for a link; returns how many threads. By the link's thread, or before it runs.
    private func spawnReaders(of link: Link, in threads: ThreadGroup, stop: StopSignal) throws -> Int {
        let count = max(1, capture.backfillWorkers)
        for _ in 0..<count {
            let reader = try capture.openChunkReader(stop: stop)
            let writer: any ChunkWriter
            do {
                writer = try link.transactor.chunkWriter()
            } catch {
                reader.close()
                throw error
            }
            let worker = HandOver(ChunkWorker(mailbox: link.mailbox, reader: reader, writer: writer))
            threads.spawn("backfill") { try worker.value.run() }
        }
        return count
    }
}

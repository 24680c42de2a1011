import Connectors
import Glibc

/// Runs one capture and all links that it feeds, until it is asked to stop: opens them, streams, and after a transient
/// failure of any part opens them again at the destinations' checkpoints.
public final class CaptureRunner: Sendable {
    public struct LinkPlan: Sendable {
        public var spec: LinkSpec
        public var materialization: any Materialization

        public init(spec: LinkSpec, materialization: any Materialization) {
            self.spec = spec
            self.materialization = materialization
        }
    }

    /// Bytes of batches that may wait for one link.
    private static let mailboxBytes = 8 << 20

    private let capture: any Capture
    private let plans: [LinkPlan]
    private let observer: any RunObserver
    private let stop: StopSignal
    /// Ends by itself when every link has what the source had as its backfills ended.
    private let once: Bool
    private let mostAttempts: Int?

    public init(
        capture: any Capture, links: [LinkPlan], observer: any RunObserver, stop: StopSignal, once: Bool,
        mostAttempts: Int? = nil
    ) {
        self.capture = capture
        self.plans = links
        self.observer = observer
        self.stop = stop
        self.once = once
        self.mostAttempts = mostAttempts
    }

    /// Blocks until stopped, done (`once`), or failed for good.
    public func run() throws {
        var retry = RetryPolicy(mostAttempts: mostAttempts)
        while !stop.isRequested {
            do {
                try runSession { retry.reset() }
                return
            } catch let error as RunError where error.kind == .transient {
                if stop.isRequested { return }
                keep(error)
                guard let delay = retry.next() else { throw error }
                var event = RunEvent(.retry, task: error.task ?? capture.name)
                event.error = error
                event.attempt = retry.attempts
                event.delayMilliseconds = delay
                observer.record(event)
                wait(milliseconds: delay)
            } catch {
                keep(error)
                throw error
            }
        }
    }

    /// Leaves an error where `status` finds it: at the destination of the link that had it, or at all where it is the
    /// capture's.
    private func keep(_ error: any Error) {
        let error = error as? RunError ?? RunError(.internal, operation: "run", message: "\(error)")
        let own = plans.filter { $0.spec.materialization == error.task }
        for plan in own.isEmpty ? plans : own { plan.materialization.record(error, of: plan.spec) }
    }

    /// Makes what is missing in both databases, and nothing more.
    public func provision() throws {
        let session = try open()
        for link in session.links { link.transactor.close() }
    }

    private func wait(milliseconds: Int) {
        var descriptor = pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&descriptor, stop.descriptor < 0 ? 0 : 1, Int32(truncatingIfNeeded: milliseconds))
    }

    // MARK: - One session

    private struct Opened {
        var start: CaptureStart
        var links: [Link]
    }

    private func runSession(onProgress: () -> Void) throws {
        let opened = try open()
        defer { for link in opened.links { link.transactor.close() } }
        let groupStop = stop.follower()
        defer { stop.release(groupStop) }
        let session = try capture.openSession(from: opened.start.position, stop: groupStop)
        defer { session.close() }

        let threads = ThreadGroup(onFailure: { groupStop.request() })
        for link in opened.links {
            do {
                try spawnReaders(of: link, in: threads, stop: groupStop)
            } catch {
                groupStop.request()
                for link in opened.links { link.mailbox.end() }
                spawn(link, in: threads)
                try? threads.join()
                throw error
            }
            spawn(link, in: threads)
        }
        let statuses = opened.links.map(\.status)
        do {
            try stream(session, to: opened.links, statuses, stop: groupStop, onProgress: onProgress)
        } catch {
            groupStop.request()
            for link in opened.links { link.mailbox.end() }
            try? threads.join()
            throw error
        }
        for link in opened.links { link.mailbox.end() }
        try threads.join()
        try session.acknowledge(durable(statuses), now: true)
        if !stop.isRequested, !once {
            throw RunError(
                .transient, operation: "run", object: "capture \"\(capture.name)\"", message: "a part of it ended early"
            )
        }
    }

    private func stream(
        _ session: any CaptureSession, to links: [Link], _ statuses: [LinkStatus], stop: StopSignal,
        onProgress: () -> Void
    ) throws {
        var reported = false
        while !stop.isRequested {
            if once, statuses.allSatisfy(\.isCaughtUp) { return }
            let wantsProgress = statuses.contains { $0.awaited > $0.durable }
            let batch = ChangeBatch()
            try session.read(into: batch, wait: wantsProgress ? 20 : 500, wantsProgress: wantsProgress)
            if !batch.isEmpty {
                for link in links {
                    while !link.mailbox.offer(batch, wait: 1000) {
                        if stop.isRequested { return }
                        try session.acknowledge(durable(statuses), now: true)
                    }
                }
                if !reported {
                    onProgress()
                    reported = true
                }
            }
            try session.acknowledge(durable(statuses), now: false)
        }
    }

    private func durable(_ statuses: [LinkStatus]) -> LogPosition {
        statuses.map(\.durable).min() ?? .zero
    }

    // MARK: - Opening

    private func open() throws -> Opened {
        try capture.probe()
        var transactors: [any Transactor] = []
        do {
            for plan in plans { transactors.append(try plan.materialization.open(plan.spec)) }
            let start = try capture.prepare(transactors.map(\.checkpoint))
            for phrase in start.provisioned {
                var event = RunEvent(.provisioned, task: capture.name)
                event.message = phrase
                observer.record(event)
            }
            var links: [Link] = []
            for (plan, transactor) in zip(plans, transactors) {
                links.append(try open(plan.spec, transactor, start))
            }
            return Opened(start: start, links: links)
        } catch {
            transactors.forEach { $0.close() }
            throw error
        }
    }

    private func open(_ spec: LinkSpec, _ transactor: any Transactor, _ start: CaptureStart) throws -> Link {
        if transactor.checkpoint == nil { try transactor.begin(start.newLink) }
        let checkpoint = transactor.checkpoint ?? start.newLink
        var states: [BindingCheckpoint] = []
        for (index, binding) in spec.bindings.enumerated() {
            let state = try self.state(of: binding, recorded: transactor.checkpoint(of: index), start, spec)
            try transactor.attach(
                index, shape: start.shapes[binding.table], state: state,
                willBackfill: state.phase != .streaming && state.backfill.isEmpty)
            states.append(state)
        }
        return try Link(
            spec: spec, shapes: start.shapes, transactor: transactor,
            backfills: try capture.backfills(of: spec, start: start, checkpoint: checkpoint, states: states),
            capture: capture, mailbox: LinkMailbox(capacityBytes: CaptureRunner.mailboxBytes), status: LinkStatus(),
            observer: observer, position: checkpoint.position)
    }

    private func state(
        of binding: LinkBinding, recorded: BindingCheckpoint?, _ start: CaptureStart, _ spec: LinkSpec
    ) throws -> BindingCheckpoint {
        guard let recorded else {
            return BindingCheckpoint(
                phase: binding.skipsBackfill ? .streaming : .pending, backfillCounter: binding.backfillCounter,
                estimatedRows: start.estimatedRows[binding.table])
        }
        guard recorded.backfillCounter == binding.backfillCounter else {
            throw RunError(
                .needsOperator, operation: "attach", object: "table \(binding.schema).\(binding.name)",
                message: "its backfill counter was \(recorded.backfillCounter) and is now \(binding.backfillCounter); "
                    + "reading a table again is not possible yet",
                hint: "set the counter back, or drop the destination table and its row in flow.bindings",
                task: spec.materialization, binding: binding.index)
        }
        return recorded
    }

    // MARK: - Threads

    private func spawn(_ link: Link, in threads: ThreadGroup) {
        let handOver = HandOver(link)
        threads.spawn("link") { try handOver.value.run() }
    }

    private func spawnReaders(of link: Link, in threads: ThreadGroup, stop: StopSignal) throws {
        guard !link.backfills.isComplete else { return }
        for _ in 0..<max(1, capture.backfillWorkers) {
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
    }
}

/// Carries something to the thread that will own it.
// @unchecked: the thread that made it does not touch it until that thread has ended.
private struct HandOver<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}

import Connectors
import Synchronization

/// One reading of the log for the links that could be opened: a thread for each link, threads for its backfills, and the
/// caller's thread for the log.
final class LinkSession {
    /// Bytes of batches that may wait for one link.
    private static let mailboxBytes = 8 << 20

    private let runner: CaptureRunner
    private let start: CaptureStart
    private let links: [(member: LinkMember, link: Link)]
    private var capture: any Capture { runner.capture }

    private init(_ runner: CaptureRunner, _ start: CaptureStart, _ links: [(member: LinkMember, link: Link)]) {
        self.runner = runner
        self.start = start
        self.links = links
    }

    // MARK: - Opening

    /// Opens every link that is due. Nil where none could be. Throws what keeps the capture from running; as a run begins
    /// (`isFirst`), also what keeps the only links from it that could be tried again.
    static func open(_ runner: CaptureRunner, isFirst: Bool) throws -> LinkSession? {
        try runner.capture.probe()
        var opened: [(member: LinkMember, transactor: any Transactor)] = []
        var failed: [(member: LinkMember, error: any Error)] = []
        for member in runner.members where member.stopError == nil && (member.delay ?? 0) == 0 {
            member.becomeReady()
            do {
                opened.append((member, try member.plan.materialization.open(member.plan.spec)))
            } catch {
                failed.append((member, error))
            }
        }
        if isFirst, opened.isEmpty, let lost = failed.first(where: { ($0.error as? RunError)?.kind == .unreachable }) {
            for (member, error) in failed where member !== lost.member { runner.note(error, of: member) }
            throw lost.error
        }
        for (member, error) in failed { runner.note(error, of: member) }
        var links: [(member: LinkMember, link: Link)] = []
        if !opened.isEmpty {
            let start: CaptureStart
            do {
                start = try runner.capture.prepare(
                    opened.map(\.transactor.checkpoint), followed: followed(opened), stop: runner.stop)
            } catch {
                opened.forEach { $0.transactor.close() }
                throw error
            }
            var mayHaveBegun = false
            for (index, (member, transactor)) in opened.enumerated() {
                do {
                    if let refusal = start.refusals[index] { throw refusal }
                    links.append((member, try openLink(runner, member.plan.spec, transactor, start)))
                    member.reached(transactor.checkpoint?.position ?? start.newLink.position)
                } catch {
                    transactor.close()
                    // The answer to a commit can be what was lost.
                    mayHaveBegun = mayHaveBegun || (error as? RunError)?.isPassing != false
                    runner.note(error, of: member)
                }
            }
            if !links.isEmpty {
                for phrase in start.provisioned {
                    var event = RunEvent(.provisioned, task: runner.capture.name)
                    event.message = phrase
                    runner.observer.record(event)
                }
                return LinkSession(runner, start, links)
            }
            if !mayHaveBegun { runner.capture.withdraw() }
        }
        return nil
    }

    private static func openLink(
        _ runner: CaptureRunner, _ spec: LinkSpec, _ transactor: any Transactor, _ start: CaptureStart
    ) throws -> Link {
        let isNew = transactor.checkpoint == nil
        let checkpoint = transactor.checkpoint ?? start.newLink
        let states = try spec.bindings.enumerated().map { index, binding in
            try state(of: binding, recorded: transactor.checkpoint(of: index), start, spec)
        }
        let backfills = try runner.capture.backfills(of: spec, start: start, checkpoint: checkpoint, states: states)
        let tables = zip(spec.bindings, states).enumerated().map { index, pair in
            var (binding, state) = pair
            state.backfill = backfills.state(of: index).backfill
            return AttachedTable(start.shapes[binding.table], state, willBackfill: state.phase == .pending)
        }
        try transactor.attach(tables, beginning: isNew ? start.newLink : nil)
        return try Link(
            spec: spec, shapes: start.shapes, transactor: transactor, backfills: backfills, capture: runner.capture,
            mailbox: LinkMailbox(capacityBytes: LinkSession.mailboxBytes), status: LinkStatus(),
            observer: runner.observer, position: checkpoint.position)
    }

    /// Tables of which a link has rows already.
    private static func followed(_ opened: [(member: LinkMember, transactor: any Transactor)]) -> Set<Int> {
        var tables: Set<Int> = []
        for (member, transactor) in opened {
            for (index, binding) in member.plan.spec.bindings.enumerated() {
                guard let phase = transactor.checkpoint(of: index)?.phase, phase != .pending else { continue }
                tables.insert(binding.table)
            }
        }
        return tables
    }

    private static func state(
        of binding: LinkBinding, recorded: BindingCheckpoint?, _ start: CaptureStart, _ spec: LinkSpec
    ) throws -> BindingCheckpoint {
        guard let recorded else {
            return BindingCheckpoint(
                phase: binding.skipsBackfill ? .streaming : .pending, backfillCounter: binding.backfillCounter,
                estimatedRows: start.estimatedRows[binding.table])
        }
        guard recorded.phase != .detached else {
            throw RunError(
                .needsOperator, operation: "attach", object: "table \(binding.schema).\(binding.name)",
                message:
                    "its binding was out of the catalog, or disabled, while the others went on: changes since then "
                    + "are missing in it",
                hint: "have it read again: at the destination, \(binding.forgetting(in: spec))",
                task: spec.materialization, binding: binding.index)
        }
        guard recorded.backfillCounter == binding.backfillCounter else {
            throw RunError(
                .needsOperator, operation: "attach", object: "table \(binding.schema).\(binding.name)",
                message: "its backfill counter was \(recorded.backfillCounter) and is now \(binding.backfillCounter); "
                    + "reading a table again is not possible yet",
                hint: "set the counter back, or have it read again: at the destination, "
                    + binding.forgetting(in: spec),
                task: spec.materialization, binding: binding.index)
        }
        return recorded
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

        let course = Course(runner, links.count, stop)
        let groups = links.map { spawn($0.link, $0.member, course) }
        for member in runner.members where member.delay != nil { course.awaitDestination(member) }
        do {
            try stream(log, stop, onProgress)
        } catch {
            course.fail(error)
        }
        stop.request()
        for (_, link) in links { link.mailbox.end() }
        for group in groups { try? group.join() }
        if let failure = course.failure { throw failure }
        try log.acknowledge(durable(), now: true)
        return runner.stop.isRequested || (runner.once && isCaughtUp)
    }

    private func stream(_ log: any CaptureSession, _ stop: StopSignal, _ onProgress: () -> Void) throws {
        let statuses = links.map(\.link.status)
        var reported = false
        while !stop.isRequested {
            if runner.once, isCaughtUp { return }
            let wantsProgress = statuses.contains { $0.awaited > $0.durable }
            let batch = ChangeBatch()
            try log.read(into: batch, wait: wantsProgress ? 20 : 500, wantsProgress: wantsProgress)
            if !batch.isEmpty {
                for (_, link) in links {
                    while !link.mailbox.offer(batch, wait: 1000) {
                        if stop.isRequested { return }
                        try log.acknowledge(durable(), now: true)
                    }
                }
                if !reported {
                    onProgress()
                    reported = true
                }
            }
            try log.acknowledge(durable(), now: false)
        }
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
    private func spawn(_ link: Link, _ member: LinkMember, _ course: Course) -> ThreadGroup {
        let stop = course.stop.follower()
        let mailbox = link.mailbox
        let status = link.status
        let fail: @Sendable (any Error) -> Void = { error in
            mailbox.end()
            stop.request()
            member.reached(status.durable)
            course.linkFailed(error, member)
        }
        let threads = ThreadGroup(onFailure: fail)
        do {
            try spawnReaders(of: link, in: threads, stop: stop)
        } catch {
            fail(error)
        }
        let handOver = HandOver(link)
        threads.spawn("link") { try handOver.value.run() }
        return threads
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

/// How a session goes, for its threads: what failed, and when it has to end.
private final class Course: Sendable {
    let stop: StopSignal
    private let runner: CaptureRunner
    private let running: Mutex<Int>
    private let firstFailure = Mutex<(any Error)?>(nil)

    init(_ runner: CaptureRunner, _ links: Int, _ stop: StopSignal) {
        self.runner = runner
        self.stop = stop
        running = Mutex(links)
    }

    /// What ended the reading of the log, and so the session for all links.
    var failure: (any Error)? { firstFailure.withLock { $0 } }

    func fail(_ error: any Error) {
        firstFailure.withLock { $0 = $0 ?? error }
        stop.request()
    }

    /// A failure of the source ends the session; one of a destination takes its link out.
    func linkFailed(_ error: any Error, _ member: LinkMember) {
        let known = error as? RunError
        if known?.task == runner.capture.name { return fail(error) }
        if runner.stop.isRequested, known?.isPassing == true { return stop.request() }
        runner.note(error, of: member)
        let left = running.withLock { count in
            count -= 1
            return count
        }
        if left == 0 {
            stop.request()
        } else if member.delay != nil {
            awaitDestination(member)
        }
    }

    /// Begins a new session when the link's destination answers again. On a thread that nobody waits for: connecting can
    /// take longer than anybody wants to wait for the end.
    func awaitDestination(_ member: LinkMember) {
        ThreadGroup(onFailure: { _ in }).spawn("wait for \(member.name)") { [self] in
            while let delay = member.delay, !stop.wait(milliseconds: delay) {
                do {
                    try member.plan.materialization.probe()
                    member.becomeReady()
                    return stop.request()
                } catch {
                    if !stop.isRequested { runner.note(error, of: member) }
                }
            }
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

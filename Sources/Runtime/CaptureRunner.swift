import Connectors

/// Runs one capture and all links that it feeds, until it is asked to stop.
///
/// The log is read once, in sessions: a session begins at the smallest checkpoint of the links that can be opened, and each
/// link skips what it has. A link that fails leaves the session; the others go on. When its destination answers again, a
/// new session begins. What the source may forget is bounded by every link of the catalog, the absent ones too.
public final class CaptureRunner: Sendable {
    public struct LinkPlan: Sendable {
        public var spec: LinkSpec
        public var materialization: any Materialization

        public init(spec: LinkSpec, materialization: any Materialization) {
            self.spec = spec
            self.materialization = materialization
        }
    }

    let capture: any Capture
    let members: [LinkMember]
    let observer: any RunObserver
    let stop: StopSignal
    /// Ends by itself when every link has what the source had as its backfills ended.
    let once: Bool
    /// The source must keep its log from there on for links that are not run; nil where there is none of those.
    let keptFrom: LogPosition?
    /// Whether tables may be emptied where the catalog asks for it.
    let mayDestroy: Bool
    private let mostAttempts: Int?

    public init(
        capture: any Capture, links: [LinkPlan], observer: any RunObserver, stop: StopSignal, once: Bool,
        keptFrom: LogPosition? = nil, mayDestroy: Bool = false, mostAttempts: Int? = nil
    ) {
        self.capture = capture
        self.members = links.map { LinkMember($0, mostAttempts: mostAttempts) }
        self.observer = observer
        self.stop = stop
        self.once = once
        self.keptFrom = keptFrom
        self.mayDestroy = mayDestroy
        self.mostAttempts = mostAttempts
    }

    /// Blocks until stopped, done (`once`), or failed for good. Throws what ended the capture; returns what stopped single
    /// links, and (`once`) which tables lack changes that are parked. Of both the observer has heard. An endpoint that can't be reached as the run begins ends it; one that is
    /// lost later is waited for.
    public func run() throws -> [RunError] {
        var retry = RetryPolicy(mostAttempts: mostAttempts)
        var hasRun = false
        heedEnds()
        while !stop.isRequested, members.contains(where: { $0.stopError == nil }) {
            do {
                waitForMember()
                guard !stop.isRequested, let session = try LinkSession.open(self, isFirst: !hasRun) else { continue }
                hasRun = true
                if try session.run(onProgress: { retry.reset() }) { break }
            } catch {
                let error = known(error, of: capture.name)
                if stop.isRequested, error.isPassing { break }
                let isPassing = error.kind == .transient || error.kind == .unreachable && hasRun
                for member in members where member.stopError == nil { keep(error, at: member) }
                guard isPassing, let delay = retry.next() else { throw error }
                record(retryOf: error, attempt: retry.attempts, delay: delay)
                _ = stop.wait(milliseconds: delay)
            }
        }
        return members.compactMap(\.stopError) + (once ? members.flatMap(\.waiting) : [])
    }

    /// What was thrown, with the task that it belongs to: `task`, where it doesn't say.
    private func known(_ error: any Error, of task: String) -> RunError {
        var error = error as? RunError ?? RunError(.internal, operation: "run", message: "\(error)")
        error.task = error.task ?? task
        return error
    }

    /// Leaves an error where `status` finds it.
    private func keep(_ error: RunError, at member: LinkMember) {
        member.plan.materialization.record(error, of: member.plan.spec)
    }

    /// Passes on as warnings what the capture and the destinations find worth a look.
    private func heedEnds() {
        capture.observe(warnings(of: capture.name))
        for member in members { member.plan.materialization.observe(member.plan.spec, warnings(of: member.name)) }
    }

    private func warnings(of task: String) -> @Sendable (StatusFinding) -> Void {
        { [observer] finding in
            var warning = RunEvent(.warning, task: task)
            warning.message = finding.message + (finding.hint.map { "; \($0)" } ?? "")
            observer.record(warning)
        }
    }

    /// Makes what is missing in both databases, and nothing more.
    public func provision() throws -> [RunError] {
        heedEnds()
        try LinkSession.open(self, isFirst: true)?.close()
        return members.compactMap(\.stopError)
    }

    /// Where no link can be opened now: until one can be tried again.
    private func waitForMember() {
        let running = members.filter { $0.stopError == nil }
        guard let delay = running.compactMap(\.delay).min(), running.allSatisfy({ $0.delay != nil }) else { return }
        _ = stop.wait(milliseconds: delay)
    }

    // MARK: - Failures of single links

    /// Takes note of what happened to a link, and says it.
    func note(_ error: any Error, of member: LinkMember) {
        var error = known(error, of: member.name)
        if stop.isRequested, error.isPassing { return }
        if error.isDrained { return rejoin(error, member) }
        do {
            if mend(error, of: member) { return }
            if try follow(error, of: member) { return }
            if try quarantine(error, of: member) { return }
        } catch let failure {
            error = known(failure, of: member.name)
        }
        keep(error, at: member)
        if let (delay, attempt) = member.failed(error) {
            record(retryOf: error, attempt: attempt, delay: delay)
            return
        }
        var event = RunEvent(.error, task: member.name, position: error.position)
        event.error = error
        observer.record(event)
        if members.contains(where: { $0.stopError == nil }) {
            var warning = RunEvent(.warning, task: member.name)
            warning.message =
                "stopped; the capture's other destinations go on, and the source keeps its log for this one until it runs "
                + "again or leaves the catalog"
            observer.record(warning)
        }
    }

    /// Has a table mended that the log lacks something of; false where that can't be.
    private func mend(_ error: RunError, of member: LinkMember) -> Bool {
        guard let gap = error.gap, error.task == member.name, let binding = error.binding,
            member.spec.bindings.contains(where: { $0.index == binding })
        else { return false }
        return member.mayMend(gap, of: binding)
    }

    /// Does what the catalog says about a table that can't follow the source any more; false where that is to stop.
    private func follow(_ error: RunError, of member: LinkMember) throws -> Bool {
        guard let incompatibility = error.incompatibility, error.task == member.name,
            let binding = member.plan.spec.bindings.first(where: { $0.index == error.binding })
        else { return false }
        var event = RunEvent(.warning, task: member.name, binding: "\(binding.schema).\(binding.name)")
        switch binding.onIncompatible {
        case .abort, .disableTask: return false
        case .backfill:
            guard member.mayReadAgain(binding.index, isComplete: try isComplete(binding, member)) else { return false }
            try member.plan.materialization.forget(binding, of: member.plan.spec, dropping: incompatibility.dropping)
            member.forgetGap(of: binding.index)
            event.message = "the table is emptied and read again (onIncompatibleSchemaChange: backfill): \(error)"
        case .disableBinding:
            guard member.spec.bindings.count > 1 else { return false }
            try member.plan.materialization.disable(binding, of: member.plan.spec, because: error)
            member.disable(binding.index)
            event.message =
                "the table is left as it is, and the link's others go on (onIncompatibleSchemaChange: disableBinding): "
                + "\(error)" + (error.hint.map { "; \($0)" } ?? "")
        }
        observer.record(event)
        return true
    }

    /// Whether the destination has a binding's table as one that is all there.
    private func isComplete(_ binding: LinkBinding, _ member: LinkMember) throws -> Bool {
        try stored(binding, member)?.phase == .streaming
    }

    /// What the destination keeps of a binding.
    private func stored(_ binding: LinkBinding, _ member: LinkMember) throws -> BindingCheckpoint? {
        let links = try member.plan.materialization.status()
        let tables = links.first { $0.capture.isSameName(as: capture.name) }?.tables ?? []
        return tables.first { $0.schema.isSameName(as: binding.schema) && $0.name.isSameName(as: binding.name) }?.state
    }

    /// Tables that were parked take their changes from the log again, from the link's last commit on.
    private func rejoin(_ error: RunError, _ member: LinkMember) {
        member.reopen()
        var event = RunEvent(.warning, task: member.name)
        event.message = error.message
        observer.record(event)
    }

    /// Goes on without a table one of whose rows is refused, where the catalog says so: its changes wait beside it, or, where it
    /// is not all there yet, it takes no more. False where the link is to stop.
    private func quarantine(_ error: RunError, of member: LinkMember) throws -> Bool {
        guard error.rowFault != nil, error.task == member.name, !member.looksAgain(at: error),
            let binding = member.plan.spec.bindings.first(where: { $0.index == error.binding }),
            binding.onRowError == .quarantine
        else { return false }
        let table = "\(binding.schema).\(binding.name)"
        var event = RunEvent(.warning, task: member.name, binding: table)
        let why = "\(error)" + (error.hint.map { "; \($0)" } ?? "")
        if try member.plan.materialization.park(binding, of: member.plan.spec, because: error) {
            member.reopen()
            event.message =
                "the table is parked: its changes wait beside it, in order, and the others go on (onRowError: quarantine): "
                + "\(why); then: flowctl retry FILE --table \(table)"
        } else if let state = try stored(binding, member), capture.readsForSignal(state) {
            // The table is all there but for what the signal was to mend. Should the row come again, it is parked.
            member.refuse(binding.index, because: "a row was refused: \(why)")
            return true
        } else {
            guard member.spec.bindings.count > 1 else { return false }
            try member.plan.materialization.disable(binding, of: member.plan.spec, because: error)
            member.disable(binding.index)
            event.message =
                "the table is left as it is, since it is not all there yet, and the others go on (onRowError: quarantine): "
                + "\(why); then have it read again: \(binding.readingAgain(in: member.plan.spec))"
        }
        observer.record(event)
        return true
    }

    private func record(retryOf error: RunError, attempt: Int, delay: Int) {
        var event = RunEvent(.retry, task: error.task ?? capture.name)
        event.error = error
        event.attempt = attempt
        event.delayMilliseconds = delay
        observer.record(event)
    }
}

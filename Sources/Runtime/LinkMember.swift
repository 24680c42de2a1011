import Connectors
import Glibc
import Synchronization

/// One of the links that a capture feeds, over all sessions of its run: how its destination does, and how far it is known
/// to be. One that fails leaves the others running.
///
/// Invariant: `durable` is never after what the destination has on disk, so that the slot keeps the log which a link that is
/// away will need.
final class LinkMember: Sendable {
    enum Condition {
        /// To be opened with the next session, or open.
        case ready
        /// Failed in passing: to be tried again at the time (`Milliseconds.now`).
        case waiting(until: Int64)
        /// Failed for good: needs somebody to do something and to start again.
        case stopped(RunError)
    }

    private struct State {
        var condition = Condition.ready
        var retry: RetryPolicy
        var durable: LogPosition?
        /// Where the link was as the source was last looked at anew because of an error.
        var lookedAt: LogPosition?
        /// Bindings that the link goes on without, by their indexes in the materialization's list.
        var disabled: Set<Int> = []
        /// Tables that are parked as the link was opened last: why.
        var waiting: [RunError] = []
        /// Backfills of which nobody knows whether they are complete, with what was to be recorded then.
        var unanswered: [Int: BindingCheckpoint] = [:]
        /// Tables that were given up to be read again, and have not been all there since: where the link was, and how often.
        var forgotten: [Int: (durable: LogPosition, times: Int)] = [:]
        /// What the log was found to lack of tables as it was read, by binding, and where the link was then.
        var gaps: [Int: (gap: LogGap, durable: LogPosition, times: Int)] = [:]
        /// Of those, what the destination has not been told of yet.
        var untold: Set<Int> = []
        /// Tables that a signal has read when a row of theirs was refused: why.
        var refused: [Int: String] = [:]
    }

    let plan: CaptureRunner.LinkPlan
    private let state: Mutex<State>

    init(_ plan: CaptureRunner.LinkPlan, mostAttempts: Int?) {
        self.plan = plan
        state = Mutex(State(retry: RetryPolicy(mostAttempts: mostAttempts)))
    }

    var name: String { plan.spec.materialization }

    /// The link without the bindings that are disabled.
    var spec: LinkSpec {
        let disabled = state.withLock { $0.disabled }
        var spec = plan.spec
        spec.disabled = spec.bindings.filter { disabled.contains($0.index) }
        spec.bindings.removeAll { disabled.contains($0.index) }
        return spec
    }

    /// A session ended before commits of backfills' last chunks were answered (`LinkStatus.unanswered`).
    func unanswered(_ states: [Int: BindingCheckpoint]) {
        state.withLock { $0.unanswered.merge(states) { $1 } }
    }

    /// Those of the sessions before, once.
    func takeUnanswered() -> [Int: BindingCheckpoint] {
        state.withLock { state in
            defer { state.unanswered = [:] }
            return state.unanswered
        }
    }

    /// The link goes on without a binding.
    func disable(_ binding: Int) {
        state.withLock { state in
            state.disabled.insert(binding)
            state.condition = .waiting(until: Milliseconds.now)
        }
    }

    /// How often a table is given up in a run without ever having been all there in between.
    static let mostForgotten = 3

    /// A table is read again with the next session. False where that would lead nowhere: it was given up before, has not been
    /// all there since (`isComplete`: it is now), and the link has got no further, or that happened a few times.
    func mayReadAgain(_ binding: Int, isComplete: Bool) -> Bool {
        state.withLock { state in
            let durable = state.durable ?? .zero
            let before = isComplete ? nil : state.forgotten[binding]
            if let before, durable <= before.durable || before.times >= LinkMember.mostForgotten { return false }
            state.forgotten[binding] = (durable, (before?.times ?? 0) + 1)
            state.condition = .waiting(until: Milliseconds.now)
            return true
        }
    }

    /// The link is opened anew, and the table is mended then. False where that happened a few times before and the link has got no
    /// further: it would lead nowhere.
    func mayMend(_ gap: LogGap, of binding: Int) -> Bool {
        state.withLock { state in
            let durable = state.durable ?? .zero
            let before = state.gaps[binding]
            let times = before.map { durable <= $0.durable ? $0.times + 1 : 1 } ?? 1
            guard times <= LinkMember.mostForgotten else { return false }
            let untold = state.untold.contains(binding) ? before?.gap : nil
            state.gaps[binding] = (gap.and(untold), durable, times)
            state.untold.insert(binding)
            state.condition = .waiting(until: Milliseconds.now)
            return true
        }
    }

    /// The catalog's policy does something else about the table.
    func forgetGap(of binding: Int) {
        state.withLock { state in
            state.gaps[binding] = nil
            state.untold.remove(binding)
        }
    }

    /// By binding: what the log was found to lack and the destination does not know of yet.
    var gaps: [Int: LogGap] {
        state.withLock { state in
            state.gaps.filter { state.untold.contains($0.key) }.mapValues(\.gap)
        }
    }

    /// The destination has taken down what there is to mend, and what is not to be read on.
    func told() {
        state.withLock { state in
            state.untold.removeAll()
            state.refused.removeAll()
        }
    }

    /// What a signal reads of a table is to end with the next session, because of a row.
    func refuse(_ binding: Int, because reason: String) {
        state.withLock { state in
            state.refused[binding] = reason
            state.condition = .waiting(until: Milliseconds.now)
        }
    }

    /// By binding: why what a signal reads is to end.
    var refused: [Int: String] { state.withLock { $0.refused } }

    /// Tables that are parked, as errors to end with.
    var waiting: [RunError] { state.withLock { $0.waiting } }

    /// The link was opened; notes which of its tables are parked.
    func opened(parked: [RunError]) {
        state.withLock { $0.waiting = parked }
    }

    /// The link is opened anew with the next session; nothing is wrong with it.
    func reopen() {
        state.withLock { $0.condition = .waiting(until: Milliseconds.now) }
    }

    /// Whether an error gets a second look at the source first (see `failed`).
    func looksAgain(at error: RunError) -> Bool {
        error.mayBeStale && state.withLock { $0.lookedAt != $0.durable ?? .zero }
    }

    var condition: Condition { state.withLock { $0.condition } }

    var stopError: RunError? {
        if case .stopped(let error) = condition { return error }
        return nil
    }

    /// Milliseconds until it is to be tried again; nil where it does not wait.
    var delay: Int? {
        guard case .waiting(let until) = condition else { return nil }
        return Int(max(0, until - Milliseconds.now))
    }

    /// Everything before it is durable at the destination; zero where that is not known.
    var durable: LogPosition { state.withLock { $0.durable ?? .zero } }

    /// The link was opened at the position, or has committed up to it.
    func reached(_ position: LogPosition) {
        state.withLock { state in
            if let known = state.durable, position > known { state.retry.reset() }
            state.durable = position
        }
    }

    /// Its destination can be tried with the next session.
    func becomeReady() {
        state.withLock { if case .waiting = $0.condition { $0.condition = .ready } }
    }

    /// Notes a failure; what a second look at the source may explain gets one. Milliseconds until it is worth while to try again, and which attempt that was. Nil where it is not.
    func failed(_ error: RunError) -> (delay: Int, attempt: Int)? {
        state.withLock { state in
            if error.mayBeStale, state.lookedAt != state.durable ?? .zero {
                state.lookedAt = state.durable ?? .zero
                state.condition = .waiting(until: Milliseconds.now)
                return (0, 1)
            }
            if error.isPassing, let delay = state.retry.next() {
                state.condition = .waiting(until: Milliseconds.now + Int64(delay))
                return (delay, state.retry.attempts)
            }
            state.condition = .stopped(error)
            return nil
        }
    }
}

/// A clock that nobody sets.
enum Milliseconds {
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

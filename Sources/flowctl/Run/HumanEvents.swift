import Connectors
import Glibc
import Runtime
import Synchronization

/// `apply` for people: a message an event on standard error, and on a terminal one line a binding that follows its progress.
final class HumanEvents: RunObserver {
    private let log: Log
    private let screen: Mutex<ProgressScreen>

    init(log: Log) {
        self.log = log
        screen = Mutex(ProgressScreen(isShown: Output.isScreen && log.format == .text))
    }

    func record(_ event: RunEvent) {
        screen.withLock { screen in
            screen.board.note(event, now: Clock.seconds())
            screen.above(log.shows(HumanEvents.level(event))) {
                log.write(
                    HumanEvents.level(event), HumanEvents.text(event), JSONEvents.object(event).objectValue ?? .init())
            }
        }
    }

    func committed(task: String, binding: String, changes: Int, position: LogPosition, time: Int64) {
        screen.withLock { screen in
            let lag = time > 0 ? max(0, Double(Clock.logTime() - time) / 1e6) : nil
            screen.board.committed(
                task: task, binding: binding, changes: changes, lag: lag, now: Clock.seconds())
            screen.above(log.shows(.debug)) {
                log.write(.debug, "committed   \(task) \(binding): \(changes) changes at \(position)")
            }
        }
    }

    /// A message that is no event.
    func say(_ text: String) {
        screen.withLock { $0.above(log.shows(.info)) { log.write(.info, text) } }
    }

    /// Draws the progress anew twice a second while `body` runs, so that rates fall also while nothing happens.
    func following<Result>(_ body: () -> Result) -> Result {
        guard screen.withLock(\.isShown) else { return body() }
        let end = StopSignal()
        let threads = ThreadGroup(onFailure: { _ in })
        threads.spawn("progress") { [self] in
            while !end.wait(milliseconds: 500) { screen.withLock { $0.paint() } }
        }
        defer {
            end.request()
            try? threads.join()
        }
        return body()
    }

    static func level(_ event: RunEvent) -> LogLevel {
        switch event.kind {
        case .error: .error
        case .warning, .retry: .warn
        case .backfillProgress: .debug
        default: .info
        }
    }

    static func text(_ event: RunEvent) -> String {
        let task = event.task ?? ""
        let binding = event.binding.map { " \($0)" } ?? ""
        switch event.kind {
        case .plan: return "plan        \(event.message ?? "")"
        case .provisioned: return "provisioned \(task): \(event.message ?? "")"
        case .backfillStarted:
            let estimate = event.totalRowsEstimate.map { ", about \($0) rows" } ?? ""
            return "backfill    \(task)\(binding): started\(estimate)"
        case .backfillProgress: return "backfill    \(task)\(binding): \(event.rows ?? 0) rows"
        case .backfillCompleted: return "backfill    \(task)\(binding): done, \(event.rows ?? 0) rows"
        case .streaming: return "streaming   \(task)\(binding)"
        case .schemaChange: return "schema      \(task)\(binding): \(event.sql.joined(separator: "; "))"
        case .caughtUp: return "caught up   \(task) at \(event.position.map { "\($0)" } ?? "")"
        case .warning: return "warning     \(task)\(binding): \(event.message ?? "")"
        case .retry:
            return
                "retry       \(task): \(event.error?.description ?? ""); again in \(event.delayMilliseconds ?? 0) ms "
                + "(attempt \(event.attempt ?? 0))"
        case .error:
            let place = event.error?.place.map { "\n  at \($0)" } ?? ""
            let hint = event.error?.hint.map { "\nhint: \($0)" } ?? ""
            return "error       \(task): \(event.error?.description ?? "")\(place)\(hint)"
        case .stopped: return "stopped     \(event.message ?? "")"
        }
    }
}

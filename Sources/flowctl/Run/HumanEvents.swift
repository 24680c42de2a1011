import Connectors
import Runtime
import Synchronization

/// `apply` for people: a line an event on standard error, and on a terminal one line a binding that follows its progress.
final class HumanEvents: RunObserver {
    private let board = Mutex(ProgressBoard())

    func record(_ event: RunEvent) {
        board.withLock { board in
            board.note(event)
            guard let text = HumanEvents.text(event) else {
                board.paint(force: false)
                return
            }
            board.erase()
            Output.log(text)
            board.paint(force: true)
        }
    }

    func committed(task: String, binding: String, changes: Int, position: LogPosition, time: Int64) {
        board.withLock {
            $0.committed(task: task, binding: binding, changes: changes, position: position, time: time)
            $0.paint(force: false)
        }
    }

    static func text(_ event: RunEvent) -> String? {
        let task = event.task ?? ""
        let binding = event.binding.map { " \($0)" } ?? ""
        switch event.kind {
        case .backfillProgress: return nil
        case .plan: return "plan        \(event.message ?? "")"
        case .provisioned: return "provisioned \(task): \(event.message ?? "")"
        case .backfillStarted:
            let estimate = event.totalRowsEstimate.map { ", about \($0) rows" } ?? ""
            return "backfill    \(task)\(binding): started\(estimate)"
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
            let hint = event.error?.hint.map { "\nhint: \($0)" } ?? ""
            return "error       \(task): \(event.error?.description ?? "")\(hint)"
        case .stopped: return "stopped     \(event.message ?? "")"
        }
    }
}

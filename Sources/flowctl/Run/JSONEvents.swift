import Connectors
import JSON
import Runtime

/// `apply -o json`: one object a line on standard output.
final class JSONEvents: RunObserver {
    private let log: Log

    init(log: Log) {
        self.log = log
    }

    func record(_ event: RunEvent) {
        Output.line(JSONWriter.write(JSONEvents.object(event)))
        if event.kind == .error, let error = event.error {
            let place = error.place.map { " (\($0))" } ?? ""
            log.write(
                .error, "flowctl: \(error.description)\(place)" + (error.hint.map { "; hint: \($0)" } ?? ""),
                JSONEvents.object(event).objectValue ?? JSONObject())
        }
    }

    func committed(task: String, binding: String, changes: Int, position: LogPosition, time: Int64) {}

    static func object(_ event: RunEvent) -> JSONValue {
        var object = JSONObject()
        object["event"] = .string(event.kind.rawValue)
        object["time"] = .string(Clock.timestamp())
        object["task"] = event.task.map { .string($0) }
        object["binding"] = event.binding.map { .string($0) }
        object["lsn"] = event.position.map { .string($0.description) }
        object["message"] = event.message.map { .string($0) }
        object["rows"] = event.rows.map { .int(Int($0)) }
        object["bytes"] = event.bytes.map { .int(Int($0)) }
        if event.kind == .backfillProgress || event.kind == .backfillStarted || event.kind == .backfillCompleted {
            object["total_rows_estimate"] = event.totalRowsEstimate.map { .int(Int($0)) } ?? .null
        }
        if event.kind == .schemaChange {
            object["what"] = .string(event.message ?? "destination table changed")
            object["sql"] = .array(event.sql.map { .string($0) })
        }
        if let error = event.error {
            switch event.kind {
            case .retry: object["error"] = .string(error.description)
            default:
                object["code"] = .string(error.sqlState ?? error.kind.rawValue)
                object["message"] = .string(error.description)
                object["place"] = error.place.map { .string($0) }
                object["hint"] = error.hint.map { .string($0) } ?? .null
            }
        }
        object["attempt"] = event.attempt.map { .int($0) }
        object["delay"] = event.delayMilliseconds.map { .string("\($0)ms") }
        return .object(object)
    }
}

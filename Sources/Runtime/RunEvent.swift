import Connectors

/// Something that happened while running, as `apply -o json` prints it and the progress lines show it.
public struct RunEvent: Sendable {
    public enum Kind: String, Sendable {
        case plan, provisioned, streaming, warning, retry, error, stopped
        case backfillStarted = "backfill_started"
        case backfillProgress = "backfill_progress"
        case backfillCompleted = "backfill_completed"
        case schemaChange = "schema_change"
        case caughtUp = "caught_up"
    }

    public var kind: Kind
    public var task: String?
    /// The destination table, as the user names it.
    public var binding: String?
    public var position: LogPosition?
    public var message: String?
    public var rows: Int64?
    public var bytes: Int64?
    public var totalRowsEstimate: Int64?
    /// Of a schema change: the statements run at the destination.
    public var sql: [String] = []
    public var error: RunError?
    public var attempt: Int?
    public var delayMilliseconds: Int?

    public init(_ kind: Kind, task: String? = nil, binding: String? = nil, position: LogPosition? = nil) {
        self.kind = kind
        self.task = task
        self.binding = binding
        self.position = position
    }
}

/// Hears of every event, from any thread.
public protocol RunObserver: Sendable {
    func record(_ event: RunEvent)

    /// Changes committed for a binding, for rates and lag; called after every commit, so it must be cheap. `time` is the
    /// source's, of the last transaction committed: microseconds since 2000-01-01 UTC, 0 where there was none.
    func committed(task: String, binding: String, changes: Int, position: LogPosition, time: Int64)
}

/// A failure while running: what was being done to what, where, and what to do about it.
///
/// Never holds a row's values, a secret or a connection string. Faults of what a user wrote are diagnostics instead.
public struct RunError: Error, Sendable, CustomStringConvertible {
    public enum Class: String, Sendable {
        /// Goes away by itself: tried again with backoff.
        case transient
        /// Nobody answers at the address. As a run begins that is most likely a wrong address, and ends it; later it is
        /// tried again like `transient`.
        case unreachable
        /// Needs somebody to do what the hint says: privilege, lost slot, full disk, a row that can't be stored.
        case needsOperator
        /// The server refuses the user or the password: never tried again.
        case authentication
        /// A newer runner of the same link has taken over.
        case fenced
        /// A defect of this program.
        case `internal`
    }

    public var kind: Class
    /// What was being done, as a phrase: `start replication`.
    public var operation: String
    /// The object concerned, as a user names it: `slot "flow_slot"`, `table public.orders`.
    public var object: String?
    /// One sentence of what went wrong.
    public var message: String
    /// What to do: a sentence, or the command or SQL to run.
    public var hint: String?
    public var sqlState: String?
    public var position: LogPosition?
    /// The task and, where one is concerned, the binding (by its index in the task's list).
    public var task: String?
    public var binding: Int?
    /// Where the catalog speaks of it: `catalog.yaml:7:9`. Known to whoever read the catalog.
    public var place: String?

    /// Whether the source's types or columns may have changed since they were read, which would explain it: worth a second
    /// look at them, and no third one before the link has got further.
    public var mayBeStale = false

    /// Set where a destination can't take a row: what `onRowError` is about.
    public var rowFault: RowFault?

    /// Nothing is wrong: a table that was parked is not any more, and its link is to be opened anew.
    public var isDrained = false

    /// Set where a destination table can't follow the source any more, and reading it again is what mends that.
    public var incompatibility: Incompatibility?

    /// Set where the log lacks something of a table: the link reads it again by itself.
    public var gap: LogGap?

    /// Set where the log does not lead on from where a link is, and all of the link has to begin anew: its destination adds to the
    /// hint what does that (`Transactor.beginningAnew`).
    public var needsBeginning = false

    /// The same error, of a link that has to begin anew.
    public var needingBeginning: RunError {
        var error = self
        error.needsBeginning = true
        return error
    }

    /// What has to be done to a table before it is read again.
    public struct Incompatibility: Sendable, Equatable {
        /// Columns of the destination that hold what can't be kept.
        public var dropping: [String]

        public init(dropping: [String] = []) {
            self.dropping = dropping
        }
    }

    /// Whether it can go away by itself.
    public var isPassing: Bool { kind == .transient || kind == .unreachable }

    public init(
        _ kind: Class, operation: String, object: String? = nil, message: String, hint: String? = nil,
        sqlState: String? = nil, position: LogPosition? = nil, task: String? = nil, binding: Int? = nil
    ) {
        self.kind = kind
        self.operation = operation
        self.object = object
        self.message = message
        self.hint = hint
        self.sqlState = sqlState
        self.position = position
        self.task = task
        self.binding = binding
    }

    public var description: String {
        var text = operation
        if let object { text += " \(object)" }
        text += ": \(message)"
        if let sqlState { text += " (SQLSTATE \(sqlState))" }
        if let position { text += " at \(position)" }
        return text
    }
}

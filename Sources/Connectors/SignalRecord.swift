/// What became of an operator's signal on one link: kept by the destination, and written in the transactions that hold the
/// rows. So a signal is done once for each link, over any number of restarts.
public struct SignalRecord: Sendable, Equatable {
    public enum State: String, Sendable {
        /// Its turn has not come.
        case queued
        case running
        case paused
        case done
        /// Ended before it was through, since somebody asked for it.
        case stopped
        case failed

        /// Whether nothing more will come of it.
        public var isFinal: Bool { self == .done || self == .stopped || self == .failed }
    }

    /// Where the signal was: unlike that of any other signal of the link.
    public var place: String
    /// The id and type that whoever sent it has given it.
    public var id: String
    public var type: String
    /// Tables of the source, `schema.table`.
    public var tables: [String]
    public var state: State
    /// Rows read; nil for a signal that reads none.
    public var rows: Int64?
    public var error: String?
    /// The capture's own, opaque to the destination.
    public var details: String
    /// Where the link was in the log as it took the signal.
    public var position: LogPosition

    public init(
        place: String, id: String, type: String, tables: [String] = [], state: State, rows: Int64? = nil,
        error: String? = nil, details: String = "", position: LogPosition
    ) {
        self.place = place
        self.id = id
        self.type = type
        self.tables = tables
        self.state = state
        self.rows = rows
        self.error = error
        self.details = details
        self.position = position
    }
}

/// What a destination has of a link's signals as it is opened.
public struct StoredSignals: Sendable {
    /// Those of which more will come, in the order in which they were taken.
    public var open: [SignalRecord]
    /// Places of signals that came by another way than the log, ended ones too: what comes again was taken.
    public var taken: Set<String>

    public init(open: [SignalRecord] = [], taken: Set<String> = []) {
        self.open = open
        self.taken = taken
    }
}

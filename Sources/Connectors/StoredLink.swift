/// What a destination keeps of one link, for whoever asks how far it is.
public struct StoredLink: Sendable {
    /// What is kept of one binding's table.
    public struct Table: Sendable {
        public var collection: String
        /// Destination schema and table.
        public var schema: String
        public var name: String
        public var sourceSchema: String
        public var sourceTable: String
        public var state: BindingCheckpoint
        /// What stopped the link at this table; nil while all is well.
        public var error: String?
        /// What waits beside the table since a row of it was refused; nil where nothing does.
        public var park: ParkedTable?

        public init(
            collection: String, schema: String, name: String, sourceSchema: String, sourceTable: String,
            state: BindingCheckpoint, error: String?, park: ParkedTable? = nil
        ) {
            self.collection = collection
            self.schema = schema
            self.name = name
            self.sourceSchema = sourceSchema
            self.sourceTable = sourceTable
            self.state = state
            self.error = error
            self.park = park
        }
    }

    /// What the last runner stumbled over and has not got past since.
    public struct Failure: Sendable {
        /// What went wrong and, on a line of its own, what to do.
        public var message: String
        /// Whether it is tried again until it goes away.
        public var isTransient: Bool

        public init(message: String, isTransient: Bool) {
            self.message = message
            self.isTransient = isTransient
        }
    }

    public var capture: String
    public var fence: Int64
    /// Nil before the first commit.
    public var position: LogPosition?
    /// By the source's clock, microseconds since 2000-01-01 UTC: what it had committed until then is here. Nil where unknown.
    public var time: Int64?
    public var failure: Failure?
    public var tables: [Table]
    /// Its signals: those that are not ended, and the last ones that are; in the order in which they were taken.
    public var signals: [SignalRecord] = []
    /// What the capture keeps with the position; nil before the first commit.
    public var captureState: String?

    public init(
        capture: String, fence: Int64, position: LogPosition?, time: Int64?, failure: Failure?, tables: [Table]
    ) {
        self.capture = capture
        self.fence = fence
        self.position = position
        self.time = time
        self.failure = failure
        self.tables = tables
    }
}

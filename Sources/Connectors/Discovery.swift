import JSON

/// A source that can say which tables it has. Connects, changes nothing; throws `RunError`.
public protocol Discovery: Sendable {
    /// The tables that are wanted, in the order of their schemas' and their own names, byte by byte.
    func discover(_ selection: TableSelection) throws -> DiscoveredTables
}

/// What a source has.
public struct DiscoveredTables: Sendable {
    public var tables: [DiscoveredTable]
    /// What deserves a look and belongs to no table: sentences.
    public var warnings: [String]

    public init(tables: [DiscoveredTable], warnings: [String]) {
        self.tables = tables
        self.warnings = warnings
    }
}

/// A table of a source, as a catalog describes it.
public struct DiscoveredTable: Sendable {
    /// Why a table can't be captured, and what would change that.
    public struct Obstacle: Sendable {
        /// A clause that goes on after the table's name: `it is a view, …`.
        public var reason: String
        /// A statement or an instruction; nil where nothing helps.
        public var remedy: String?

        public init(_ reason: String, remedy: String? = nil) {
            self.reason = reason
            self.remedy = remedy
        }
    }

    public var namespace: String
    public var stream: String
    /// What the binding's resource says beside namespace and stream.
    public var resource: JSONObject
    /// JSON pointers, in order.
    public var key: [String]
    /// Whether the key is the place in the log, since the rows have none.
    public var isKeyless: Bool
    /// Of the collection; nil where JSON Schema can't say it.
    public var schema: JSONValue?
    /// Sentences that a reader of the catalog should know.
    public var notes: [String]
    /// Nil: it can be captured.
    public var obstacle: Obstacle?

    public init(
        namespace: String, stream: String, resource: JSONObject = JSONObject(), key: [String] = [],
        isKeyless: Bool = false, schema: JSONValue? = nil, notes: [String] = [], obstacle: Obstacle? = nil
    ) {
        self.namespace = namespace
        self.stream = stream
        self.resource = resource
        self.key = key
        self.isKeyless = isKeyless
        self.schema = schema
        self.notes = notes
        self.obstacle = obstacle
    }
}

import Connectors
import JSON
import Postgres

/// The endpoint config of a capture, with its secrets resolved to text. `schemas/source-postgres.schema.json` says what
/// each property means; a config that was validated against it always parses.
public struct PostgresCaptureConfig: Sendable {
    public enum TruncateMode: String, Sendable {
        case apply, ignore, halt
    }

    public var connection: ConnectionParameters
    public var slot: String
    public var publication: String
    /// Nil: chunks follow the clock (see `ChunkSize`).
    public var chunkRows: Int?
    public var chunkBytes: Int?
    public var backfillWorkers: Int
    public var truncate: TruncateMode
    public var isReadOnly: Bool
    /// Standbys take the slot over as they are promoted.
    public var isFailover = false
    /// Tables at the source that the capture itself uses.
    public var sideTables = SideTables()
    public var heartbeat: Heartbeat?
    /// Of documents only: tables get the bytes themselves.
    public var binaryHandling = BinaryHandling.bytes
    /// The file by which signals come to a capture that never writes to its source; nil for one that has a table for them.
    public var signalFile: String?
    /// Backfills leave older rows out; nil for none.
    var oldestTransaction: OldestTransaction?
    /// Each partition is a table of its own, and the publication shows it under its own name.
    public var capturesPartitions = false

    /// What chunks wait for; nil where the config asks for none, or nothing is written to the source.
    var watermark: Watermark? {
        guard !isReadOnly, let table = sideTables.watermarksTable else { return nil }
        return Watermark(table: table.name, slot: slot)
    }

    public init(
        connection: ConnectionParameters, slot: String = "flow_slot", publication: String = "flow_publication",
        chunkRows: Int? = nil, chunkBytes: Int? = nil, backfillWorkers: Int = 2, truncate: TruncateMode = .apply,
        isReadOnly: Bool = false
    ) {
        self.connection = connection
        self.slot = slot
        self.publication = publication
        self.chunkRows = chunkRows
        self.chunkBytes = chunkBytes
        self.backfillWorkers = backfillWorkers
        self.truncate = truncate
        self.isReadOnly = isReadOnly
    }

    /// Throws a `RunError` that names the property.
    public init(_ value: JSONValue) throws {
        do {
            connection = try ConnectionParameters(endpointConfig: value)
        } catch let error as PostgresError {
            throw RunError(
                .needsOperator, operation: error.operation, message: error.message, hint: error.hint)
        }
        let advanced = value["advanced"]
        slot = advanced?["slotName"]?.stringValue ?? "flow_slot"
        publication = advanced?["publicationName"]?.stringValue ?? "flow_publication"
        chunkRows = advanced?["backfill_chunk_size"]?.intValue
        chunkBytes = advanced?["backfill_chunk_bytes"]?.intValue
        backfillWorkers = advanced?["backfillWorkers"]?.intValue ?? 2
        truncate = advanced?["truncate"]?.stringValue.flatMap(TruncateMode.init) ?? .apply
        isReadOnly = advanced?["read_only_capture"]?.boolValue ?? false
        isFailover = advanced?["failoverSlot"]?.boolValue ?? false
        sideTables = SideTables(advanced)
        heartbeat = Heartbeat(advanced?["heartbeat"])
        binaryHandling = advanced?["binaryHandling"]?.stringValue.flatMap(BinaryHandling.init) ?? .bytes
        capturesPartitions = advanced?["capture_as_partitions"]?.boolValue ?? false
        guard let oldest = advanced?["min_backfill_xid"]?.stringValue else { return }
        oldestTransaction = OldestTransaction(oldest)
        guard oldestTransaction != nil else {
            throw RunError(
                .needsOperator, operation: "read", object: "advanced.min_backfill_xid",
                message: "\(oldest) is more than a transaction's number can be")
        }
    }
}

/// One captured table, as its binding names it.
public struct CapturedTable: Sendable {
    public var namespace: String
    public var stream: String
    public var priority: Int
    /// The binding's index in the task's list.
    public var binding: Int?
    /// What destinations tell its rows apart by; none for one that appends.
    public var keys: [Key]
    /// SQL that the rows which a backfill reads must satisfy; nil for all.
    public var backfillFilter: String?
    /// Every destination of it begins with all of its rows, so that nothing counts that happened to them before.
    public var isReadWhole: Bool

    /// The key of one destination's table.
    public struct Key: Sendable {
        /// In the key's order, by name.
        public var columns: [String]
        public var collection: String
        /// The materialization and the index of its binding.
        public var task: String
        public var binding: Int

        /// A key with what it is of.
        public init(columns: [String], collection: String, task: String, binding: Int) {
            self.columns = columns
            self.collection = collection
            self.task = task
            self.binding = binding
        }
    }

    public init(
        namespace: String, stream: String, priority: Int = 0, binding: Int? = nil, keys: [Key] = [],
        backfillFilter: String? = nil, isReadWhole: Bool = true
    ) {
        self.namespace = namespace
        self.stream = stream
        self.priority = priority
        self.binding = binding
        self.keys = keys
        self.backfillFilter = backfillFilter
        self.isReadWhole = isReadWhole
    }
}

extension ConnectionParameters {
    /// From `address`, `database`, `user`, `password` or `credentials`, `advanced.ssl*` and `networkTunnel`.
    init(endpointConfig value: JSONValue) throws {
        let address = try Address(value["address"]?.stringValue ?? "")
        self.init(
            host: address.host, port: address.port, database: value["database"]?.stringValue ?? "postgres",
            user: value["user"]?.stringValue ?? "flow_capture",
            password: value["password"]?.stringValue ?? value["credentials"]?["password"]?.stringValue)
        applicationName = "flowctl"
        try readWay { names in names.reduce(Optional(value)) { $0?[$1] }?.stringValue }
    }
}

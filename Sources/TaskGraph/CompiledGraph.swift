import Connectors
import Diagnostics
import JSON

/// A catalog as what runs: tasks, and the links between them. Deterministic: the same catalog gives the same graph.
public struct CompiledGraph: Sendable {
    public var captures: [CaptureTask]
    public var materializations: [MaterializationTask]
    public var links: [Link]

    public init(captures: [CaptureTask], materializations: [MaterializationTask], links: [Link]) {
        self.captures = captures
        self.materializations = materializations
        self.links = links
    }

    /// A capture that feeds a materialization, by the indexes of the two and of the bindings that meet in a collection.
    public struct Link: Sendable, Hashable {
        public struct Pair: Sendable, Hashable {
            public var captureBinding: Int
            public var materializationBinding: Int

            public init(captureBinding: Int, materializationBinding: Int) {
                self.captureBinding = captureBinding
                self.materializationBinding = materializationBinding
            }
        }

        public var capture: Int
        public var materialization: Int
        public var pairs: [Pair]

        public init(capture: Int, materialization: Int, pairs: [Pair]) {
            self.capture = capture
            self.materialization = materialization
            self.pairs = pairs
        }
    }
}

/// A capture: its connector, its endpoint config as written (secrets are references still), and its bindings.
public struct CaptureTask: Sendable {
    public struct Binding: Sendable {
        /// Its place in the catalog's list, disabled ones counted.
        public var index: Int
        public var namespace: String
        public var stream: String
        /// The whole resource config.
        public var resource: JSONValue
        public var collection: String
        public var isDisabled: Bool
        public var backfillCounter: Int
        /// The only columns that may leave the source, key columns first; nil for all.
        public var columns: [String]?
        /// Columns that may not leave the source, though the others may.
        public var blocked: [String] = []
        public var range: SourceRange?

        public init(
            index: Int, namespace: String, stream: String, resource: JSONValue, collection: String, isDisabled: Bool,
            backfillCounter: Int, columns: [String]? = nil, range: SourceRange?
        ) {
            self.index = index
            self.namespace = namespace
            self.stream = stream
            self.resource = resource
            self.collection = collection
            self.isDisabled = isDisabled
            self.backfillCounter = backfillCounter
            self.columns = columns
            self.range = range
        }
    }

    public var name: String
    /// `source-postgres`.
    public var connector: String
    public var config: JSONValue
    public var configRange: SourceRange?
    /// The folder that file references within the config are relative to.
    public var configFolder: String
    public var bindings: [Binding]
    public var isDisabled: Bool
    public var range: SourceRange?

    public init(
        name: String, connector: String, config: JSONValue, configRange: SourceRange?, configFolder: String,
        bindings: [Binding], isDisabled: Bool, range: SourceRange?
    ) {
        self.name = name
        self.connector = connector
        self.config = config
        self.configRange = configRange
        self.configFolder = configFolder
        self.bindings = bindings
        self.isDisabled = isDisabled
        self.range = range
    }
}

/// A materialization: its connector, its endpoint config as written, and its bindings.
public struct MaterializationTask: Sendable {
    /// Which of a collection's fields become columns.
    public struct FieldSelection: Sendable {
        /// Depth of recommended fields; nil for all, 0 for none.
        public var recommendedDepth: Int?
        /// By field, the config that was given with it.
        public var require: [(field: String, config: JSONValue)]
        public var exclude: [String]
        public var groupBy: [String]

        public init(
            recommendedDepth: Int? = nil, require: [(field: String, config: JSONValue)] = [], exclude: [String] = [],
            groupBy: [String] = []
        ) {
            self.recommendedDepth = recommendedDepth
            self.require = require
            self.exclude = exclude
            self.groupBy = groupBy
        }
    }

    public struct Binding: Sendable {
        /// Its place in the catalog's list (after auto-binding), disabled ones counted.
        public var index: Int
        public var collection: String
        /// Destination schema, the endpoint's default filled in, and table.
        public var schema: String
        public var table: String
        public var resource: JSONValue
        /// What rows are told apart by, as JSON pointers, in order: the fields of `groupBy`, else the collection's key.
        public var key: [String]
        public var deltaUpdates: Bool
        public var priority: Int
        public var backfillCounter: Int
        /// Date-times as written.
        public var notBefore: String?
        public var notAfter: String?
        /// The two as moments; nil where neither is given.
        public var window: TimeWindow?
        public var fields: FieldSelection
        /// `fields` resolved against the collection.
        public var columns: ColumnSelection
        /// `abort`, `backfill`, `disableBinding` or `disableTask`.
        public var onIncompatibleSchemaChange: String
        public var isDisabled: Bool
        public var range: SourceRange?

        public init(
            index: Int, collection: String, schema: String, table: String, resource: JSONValue, key: [String],
            deltaUpdates: Bool, priority: Int, backfillCounter: Int, notBefore: String?, notAfter: String?,
            fields: FieldSelection, columns: ColumnSelection = .all, onIncompatibleSchemaChange: String,
            isDisabled: Bool, range: SourceRange?
        ) {
            self.index = index
            self.collection = collection
            self.schema = schema
            self.table = table
            self.resource = resource
            self.key = key
            self.deltaUpdates = deltaUpdates
            self.priority = priority
            self.backfillCounter = backfillCounter
            self.notBefore = notBefore
            self.notAfter = notAfter
            self.fields = fields
            self.columns = columns
            self.onIncompatibleSchemaChange = onIncompatibleSchemaChange
            self.isDisabled = isDisabled
            self.range = range
        }
    }

    public var name: String
    /// `materialize-postgres`.
    public var connector: String
    public var config: JSONValue
    public var configRange: SourceRange?
    public var configFolder: String
    public var bindings: [Binding]
    public var isDisabled: Bool
    public var range: SourceRange?

    public init(
        name: String, connector: String, config: JSONValue, configRange: SourceRange?, configFolder: String,
        bindings: [Binding], isDisabled: Bool, range: SourceRange?
    ) {
        self.name = name
        self.connector = connector
        self.config = config
        self.configRange = configRange
        self.configFolder = configFolder
        self.bindings = bindings
        self.isDisabled = isDisabled
        self.range = range
    }
}

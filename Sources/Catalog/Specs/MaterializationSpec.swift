import YAML

/// A materialization as written.
public struct MaterializationSpec: Sendable {
    /// A collection and the table that it goes to.
    public struct Binding: Sendable {
        /// Its place in the list, disabled ones counted.
        public let index: Int
        /// The binding as written, or where the capture is named that it comes from.
        public let node: Node
        /// The connector's resource config; nil for one at fault.
        public let resource: Node?
        /// The collection; nil for one at fault.
        public let source: LocatedText?
        /// A date-time as written; rows published earlier are left out.
        public let notBefore: LocatedText?
        /// A date-time as written; rows published later are left out.
        public let notAfter: LocatedText?
        /// The field selection as written; nil for all fields.
        public let fields: Node?
        /// Left out of all checks and of the run.
        public let isDisabled: Bool
        /// Higher ones are read first.
        public let priority: Int
        /// Bumped by the user to have the table built again.
        public let backfill: Int
        /// Overrides the task's policy; nil where it does not.
        public let onIncompatibleSchemaChange: String?
        /// The selection of the collection's partitions as written; nil for all.
        var partitions: Node? { isAutomatic ? nil : node["source"]?["partitions"] }
        /// Made from the capture that the materialization names, not written.
        public var isAutomatic = false
    }

    /// Its name.
    public let name: EntityName
    /// Where it writes to.
    public let endpoint: EndpointSpec
    /// Written ones in order, disabled ones too, then automatic ones.
    public internal(set) var bindings: [Binding]
    /// The capture whose every target is bound; nil where bindings are only those written.
    public let sourceCapture: SourceCaptureSpec?
    /// `shards.disable`.
    public let isDisabled: Bool
    /// The task's policy; nil for the default.
    public let onIncompatibleSchemaChange: String?

    /// Those that are looked at.
    public var enabledBindings: [Binding] { bindings.filter { !$0.isDisabled } }
    /// The schema of tables whose resource names none.
    public var defaultSchema: String { endpoint.config?["schema"]?.string ?? "public" }

    /// Whether a binding's table gets a row for every change, by the binding itself or the endpoint.
    public func appends(_ binding: Binding) -> Bool {
        if binding.resource?["delta_updates"]?.bool == true { return true }
        let mode = binding.resource?["insertMode"] ?? endpoint.config?["insertMode"]
        return mode?.string == "insert"
    }

    /// Reads the value under a name.
    init(_ name: EntityName, _ files: LoadedCatalog) {
        let node = name.node
        self.name = name
        endpoint = EndpointSpec(node["endpoint"], files)
        isDisabled = node["shards"]?["disable"]?.bool ?? false
        onIncompatibleSchemaChange = node["onIncompatibleSchemaChange"]?.string
        sourceCapture = SourceCaptureSpec(node["source"] ?? node["sourceCapture"], naming: node["targetNaming"])
        bindings = (node["bindings"]?.items ?? []).enumerated().map { index, node in
            let source = node["source"]
            let isDisabled = node["disable"]?.bool ?? false
            return Binding(
                index: index, node: node,
                resource: isDisabled ? node["resource"] : node["resource"].flatMap(files.resolve),
                source: LocatedText(source) ?? LocatedText(source?["name"]),
                notBefore: LocatedText(source?["notBefore"]), notAfter: LocatedText(source?["notAfter"]),
                fields: node["fields"], isDisabled: isDisabled, priority: node["priority"]?.int ?? 0,
                backfill: node["backfill"]?.int ?? 0,
                onIncompatibleSchemaChange: node["onIncompatibleSchemaChange"]?.string)
        }
    }
}

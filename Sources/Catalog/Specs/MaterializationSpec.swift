import YAML

/// A materialization as written.
public struct MaterializationSpec: Sendable {
    /// A collection and the table that it goes to.
    public struct Binding: Sendable {
        /// Its place in the list, disabled ones counted.
        public let index: Int
        public let node: Node
        /// The connector's resource config; nil for one at fault.
        public let resource: Node?
        public let source: LocatedText?
        public let notBefore: LocatedText?
        public let notAfter: LocatedText?
        public let fields: Node?
        public let isDisabled: Bool
        public let priority: Int
        /// Bumped by the user to have the table built again.
        public let backfill: Int
        /// Overrides the task's policy; nil where it does not.
        public let onIncompatibleSchemaChange: String?
        /// Made from the capture that the materialization names, not written.
        public var isAutomatic = false
    }

    public let name: EntityName
    public let endpoint: EndpointSpec
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

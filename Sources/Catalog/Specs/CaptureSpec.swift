import YAML

/// A capture as written.
public struct CaptureSpec: Sendable {
    /// A captured table and the collection that it goes to.
    public struct Binding: Sendable {
        /// Its place in the list, disabled ones counted.
        public let index: Int
        /// The binding as written.
        public let node: Node
        /// The connector's resource config; nil for one at fault.
        public let resource: Node?
        /// The collection; nil for one at fault.
        public let target: LocatedText?
        /// Left out of all checks and of the run.
        public let isDisabled: Bool
        /// Bumped by the user to have the table read again.
        public let backfill: Int

        /// The table's schema; `public` where none is given.
        public var namespace: String { resource?["namespace"]?.string ?? "public" }
        /// The table; nil where the resource is at fault.
        public var stream: String? { resource?["stream"]?.string }
    }

    /// Its name.
    public let name: EntityName
    /// Where it reads from.
    public let endpoint: EndpointSpec
    /// The tables, in order, disabled ones too.
    public let bindings: [Binding]
    /// `shards.disable`.
    public let isDisabled: Bool

    /// Those that are looked at.
    public var enabledBindings: [Binding] { bindings.filter { !$0.isDisabled } }

    /// Reads the value under a name.
    init(_ name: EntityName, _ files: LoadedCatalog) {
        self.name = name
        endpoint = EndpointSpec(name.node["endpoint"], files)
        isDisabled = name.node["shards"]?["disable"]?.bool ?? false
        bindings = (name.node["bindings"]?.items ?? []).enumerated().map { index, node in
            let isDisabled = node["disable"]?.bool ?? false
            return Binding(
                index: index, node: node,
                resource: isDisabled ? node["resource"] : node["resource"].flatMap(files.resolve),
                target: LocatedText(node["target"]), isDisabled: isDisabled, backfill: node["backfill"]?.int ?? 0)
        }
    }
}

import Catalog
import Connectors
import Diagnostics
import JSON

/// Turns a catalog's specifications into tasks and links: pure, and right for a catalog without errors only.
enum GraphCompiler {
    /// The graph; tasks and bindings keep the order of the catalog.
    static func compile(_ catalog: CatalogSpecs) -> CompiledGraph {
        let captures = catalog.captures.map { task($0, catalog) }
        let materializations = catalog.materializations.map { task($0, catalog) }
        return CompiledGraph(
            captures: captures, materializations: materializations, links: links(captures, materializations))
    }

    private static func task(_ spec: CaptureSpec, _ catalog: CatalogSpecs) -> CaptureTask {
        CaptureTask(
            name: spec.name.text, connector: spec.endpoint.connector ?? "",
            config: spec.endpoint.config?.value ?? .object(JSONObject()), configRange: spec.endpoint.config?.range,
            configFolder: spec.endpoint.configFolder, bindings: spec.bindings.map { binding($0, catalog) },
            isDisabled: spec.isDisabled, range: spec.name.range)
    }

    private static func binding(_ spec: CaptureSpec.Binding, _ catalog: CatalogSpecs) -> CaptureTask.Binding {
        let collection = spec.target.flatMap { catalog.collection($0.text) }
        var binding = CaptureTask.Binding(
            index: spec.index, namespace: spec.namespace, stream: spec.stream ?? "",
            resource: spec.resource?.value ?? .object(JSONObject()), collection: spec.target?.text ?? "",
            isDisabled: spec.isDisabled, backfillCounter: spec.backfill,
            columns: collection.flatMap(closedColumns), range: spec.node.range)
        binding.blocked = collection?.columns.blocked ?? []
        return binding
    }

    /// The columns of a collection that takes no others.
    private static func closedColumns(_ collection: CollectionSpec) -> [String]? {
        let columns = collection.columns
        guard columns.isClosed, let named = columns.named else { return nil }
        let keys = collection.key.compactMap { JSONPointer(parsing: $0.text)?.tokens.first }.filter { $0 != "_meta" }
        return keys + named.filter { !keys.contains($0) && !columns.blocked.contains($0) }
    }

    private static func task(_ spec: MaterializationSpec, _ catalog: CatalogSpecs) -> MaterializationTask {
        MaterializationTask(
            name: spec.name.text, connector: spec.endpoint.connector ?? "",
            config: spec.endpoint.config?.value ?? .object(JSONObject()), configRange: spec.endpoint.config?.range,
            configFolder: spec.endpoint.configFolder, bindings: spec.bindings.map { binding($0, of: spec, catalog) },
            isDisabled: spec.isDisabled, range: spec.name.range)
    }

    private static func binding(
        _ spec: MaterializationSpec.Binding, of task: MaterializationSpec, _ catalog: CatalogSpecs
    ) -> MaterializationTask.Binding {
        let collection = spec.source?.text ?? ""
        let fields = selection(spec.fields?.value)
        let isDelta = task.appends(spec)
        let key = key(of: catalog.collection(collection), groupBy: isDelta ? [] : fields.groupBy)
        var binding = MaterializationTask.Binding(
            index: spec.index, collection: collection,
            schema: spec.resource?["schema"]?.string ?? task.defaultSchema,
            table: spec.resource?["table"]?.string ?? "", resource: spec.resource?.value ?? .object(JSONObject()),
            key: key,
            deltaUpdates: isDelta, priority: spec.priority,
            backfillCounter: spec.backfill, notBefore: spec.notBefore?.text, notAfter: spec.notAfter?.text,
            fields: fields,
            columns: catalog.collection(collection).map {
                ColumnSelection(fields, key: key, keepsKey: !isDelta, of: $0.columns)
            } ?? .all,
            onIncompatibleSchemaChange: spec.onIncompatibleSchemaChange ?? task.onIncompatibleSchemaChange ?? "abort",
            isDisabled: spec.isDisabled, range: spec.node.range)
        binding.window = window(spec)
        return binding
    }

    /// What a mirrored table's rows are told apart by: the fields of `groupBy`, else the collection's key.
    private static func key(of collection: CollectionSpec?, groupBy fields: [String]) -> [String] {
        guard let collection else { return [] }
        let group = fields.compactMap { collection.location(ofField: $0)?.description }
        return group.isEmpty ? collection.key.map(\.text) : group
    }

    private static func window(_ spec: MaterializationSpec.Binding) -> TimeWindow? {
        let start = spec.notBefore.flatMap { Timestamp($0.text)?.microseconds(roundedUp: true) }
        let end = spec.notAfter.flatMap { Timestamp($0.text)?.microseconds(roundedUp: false) }
        return start == nil && end == nil ? nil : TimeWindow(notBefore: start, notAfter: end)
    }

    private static func selection(_ fields: JSONValue?) -> MaterializationTask.FieldSelection {
        var selection = MaterializationTask.FieldSelection()
        guard let fields else { return selection }
        let recommended = fields["recommended"]
        selection.recommendedDepth = recommended?.intValue ?? (recommended?.boolValue == false ? 0 : nil)
        let required = fields["require"]?.objectValue ?? fields["include"]?.objectValue
        selection.require = (required?.members ?? []).filter { !$0.key.hasPrefix("x-") }.map { ($0.key, $0.value) }
        selection.exclude = (fields["exclude"]?.arrayValue ?? []).compactMap(\.stringValue)
        selection.groupBy = (fields["groupBy"]?.arrayValue ?? []).compactMap(\.stringValue)
        return selection
    }

    /// One for each enabled capture and materialization that meet in a collection, in the captures' order.
    private static func links(
        _ captures: [CaptureTask], _ materializations: [MaterializationTask]
    ) -> [CompiledGraph.Link] {
        // By collection, the bindings that read it: most captures and materializations have nothing in common.
        var readers: [JSONKey: [(task: Int, binding: Int)]] = [:]
        for (task, destination) in materializations.enumerated() where !destination.isDisabled {
            for (place, binding) in destination.bindings.enumerated() where !binding.isDisabled {
                readers[JSONKey(binding.collection), default: []].append((task, place))
            }
        }
        var links: [CompiledGraph.Link] = []
        for (capture, source) in captures.enumerated() where !source.isDisabled {
            var writers: [JSONKey: [Int]] = [:]
            for (place, binding) in source.bindings.enumerated() where !binding.isDisabled {
                writers[JSONKey(binding.collection), default: []].append(place)
            }
            var fed: [Int: [CompiledGraph.Link.Pair]] = [:]
            for (collection, writers) in writers {
                for reader in readers[collection] ?? [] {
                    fed[reader.task, default: []] += writers.map {
                        .init(captureBinding: $0, materializationBinding: reader.binding)
                    }
                }
            }
            for (task, pairs) in fed.sorted(by: { $0.key < $1.key }) {
                let inOrder = pairs.sorted {
                    ($0.materializationBinding, $0.captureBinding) < ($1.materializationBinding, $1.captureBinding)
                }
                links.append(.init(capture: capture, materialization: task, pairs: inOrder))
            }
        }
        return links
    }
}

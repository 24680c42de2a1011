import Diagnostics
import JSON
import YAML

extension CatalogSpecs {
    /// Reads the files' values. What is not of the expected shape is left out: the shape's check reports it.
    public init(_ files: LoadedCatalog) {
        isComplete = files.isComplete
        for document in files.documents {
            guard let root = document.root else { continue }
            if Self.lacksSection(root) { isComplete = false }
            for name in Self.names(.capture, root["captures"]) { captures.append(CaptureSpec(name, files)) }
            for name in Self.names(.collection, root["collections"]) { collections.append(CollectionSpec(name, files)) }
            for name in Self.names(.materialization, root["materializations"]) {
                materializations.append(MaterializationSpec(name, files))
            }
            for name in Self.names(.test, root["tests"]) { tests.append(TestSpec(name, files)) }
            extensions += Self.extensions(in: root)
        }
        collectionPlaces = Self.places(collections.map(\.name.text))
        capturePlaces = Self.places(captures.map(\.name.text))
        for index in materializations.indices {
            let made = automaticBindings(of: materializations[index])
            if !made.isEmpty { materializations[index].bindings += made }
        }
    }

    /// A binding for each collection that the named capture writes and no written binding, enabled or not, reads.
    private func automaticBindings(of task: MaterializationSpec) -> [MaterializationSpec.Binding] {
        guard let source = task.sourceCapture, let capture = capture(source.capture.text) else { return [] }
        var made: [MaterializationSpec.Binding] = []
        var bound = Set(task.bindings.compactMap { $0.source?.text })
        for binding in capture.enabledBindings {
            guard let target = binding.target, let stream = binding.stream, bound.insert(target.text).inserted else {
                continue
            }
            let place = source.target(namespace: binding.namespace, stream: stream)
            var resource = JSONObject([("table", .string(place.table))])
            if let schema = place.schema { resource["schema"] = .string(schema) }
            if source.deltaUpdates { resource["delta_updates"] = true }
            let origin = source.capture.node
            made.append(
                MaterializationSpec.Binding(
                    index: task.bindings.count + made.count, node: origin,
                    resource: Node(.object(resource), from: origin), source: target, notBefore: nil, notAfter: nil,
                    fields: source.fieldsRecommended.map { Node(["recommended": $0], from: origin) }, isDisabled: false,
                    priority: 0, backfill: 0, onIncompatibleSchemaChange: nil, isAutomatic: true))
        }
        return made
    }

    /// All names in the order written, kind by kind.
    var names: [EntityName] {
        captures.map(\.name) + collections.map(\.name) + materializations.map(\.name) + tests.map(\.name)
    }

    private static func places(_ names: [String]) -> [String: Int] {
        Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    }

    /// Whether what a section should define can't be told: it is no mapping, or its name is misspelt.
    private static func lacksSection(_ root: Node) -> Bool {
        let sections = ["captures", "collections", "materializations"]
        return (root.members ?? []).contains { member in
            sections.contains(member.key)
                ? member.value.members == nil && !member.value.isNull
                : Suggestion.nearest(to: member.key, among: sections) != nil
        }
    }

    private static func names(_ kind: EntityName.Kind, _ node: Node?) -> [EntityName] {
        (node?.members ?? []).compactMap { member in
            guard !isExtension(member.key) else { return nil }
            return EntityName(kind: kind, text: member.key, range: member.keyRange, node: member.value)
        }
    }

    /// An `x-` key; names of entities have slashes, also where their first part begins so.
    private static func isExtension(_ name: String) -> Bool { name.hasPrefix("x-") && !name.contains("/") }

    /// Extensions that have the members of an entity.
    private static func extensions(in root: Node) -> [(kind: EntityName.Kind, member: Node.Member)] {
        let kinds: [(EntityName.Kind, String, [String])] = [
            (.capture, "captures", ["endpoint", "bindings"]), (.collection, "collections", ["key"]),
            (.materialization, "materializations", ["endpoint", "bindings"]), (.test, "tests", ["steps"]),
        ]
        return kinds.flatMap { kind, section, needs in
            (root[section]?.members ?? []).compactMap { member in
                let isAlike = needs.allSatisfy { member.value[$0] != nil }
                return isExtension(member.key) && isAlike ? (kind, member) : nil
            }
        }
    }

    /// Takes the collections' schemas, in their order.
    mutating func takeModels(_ models: [CollectionModel]) {
        for (index, model) in zip(collections.indices, models) { collections[index].model = model }
    }
}

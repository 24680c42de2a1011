import Diagnostics
import JSON
import JSONSchema
import YAML

/// What the annotation `redact` of a collection's schemas takes out of its documents.
///
/// Nothing that it names is ever stored as it is: either it is a whole column and in `columns`, or it is in `others`,
/// and then nothing runs.
struct Redaction {
    /// An annotation that is not about a whole column.
    struct Other {
        /// The strategy as written.
        let strategy: String
        /// The annotation's value; nil where nobody wrote it in a file.
        let node: Node?
        /// Where its name is written.
        let range: SourceRange?
    }

    /// The columns that `block` removes, whatever else a document holds; by the write schema's order, each once.
    private(set) var columns: [String] = []
    /// All other annotations: hashes, parts of columns, and what only some branches remove.
    private(set) var others: [Other] = []

    /// The known strategies.
    static let strategies = ["block", "sha256"]

    /// Reads a schema's annotations.
    fileprivate mutating func add(_ model: SchemaModel) {
        let nodes = model.compiled.nodes
        let annotated = nodes.filter { $0.annotations.contains("redact") }.map(\.id)
        if annotated.isEmpty { return }
        var followed: Set<SchemaNode.ID> = []
        var blocked: Set<String> = []
        let root = Self.certain(model.compiled.root, nodes)
        for part in root.sorted() {
            for property in nodes[part].properties {
                let blocking = Self.certain(property.id, nodes).filter { Self.strategy(nodes[$0]) == "block" }
                if blocking.isEmpty { continue }
                followed.formUnion(blocking)
                if blocked.insert(property.name).inserted, !columns.contains(property.name) {
                    columns.append(property.name)
                }
            }
        }
        // What is removed may also be meant elsewhere: a schema that a column and a part of another refer to.
        let elsewhere = Self.reached(from: model.compiled.root, nodes) { part, property in
            root.contains(part) && blocked.contains(property)
        }
        for id in annotated where !followed.contains(id) || elsewhere.contains(id) {
            let place = model.place(of: id, keyword: "redact")
            others.append(
                Other(strategy: Self.strategy(nodes[id]) ?? "", node: place?.node, range: place?.range))
        }
    }

    private static func strategy(_ node: SchemaNode) -> String? {
        node.annotations["redact"]?["strategy"]?.stringValue
    }

    /// The schemas that apply to every value that this one applies to.
    private static func certain(_ id: SchemaNode.ID, _ nodes: [SchemaNode]) -> Set<SchemaNode.ID> {
        var found: Set<SchemaNode.ID> = []
        var waiting = [id]
        while let next = waiting.popLast() {
            guard found.insert(next).inserted else { continue }
            waiting += nodes[next].allOf
            if let reference = nodes[next].reference { waiting.append(reference) }
        }
        return found
    }

    /// All schemas below one, but for those properties that are skipped.
    private static func reached(
        from root: SchemaNode.ID, _ nodes: [SchemaNode], skips: (SchemaNode.ID, String) -> Bool
    ) -> Set<SchemaNode.ID> {
        var found: Set<SchemaNode.ID> = []
        var waiting = [root]
        while let next = waiting.popLast() {
            guard found.insert(next).inserted else { continue }
            let node = nodes[next]
            waiting += node.properties.filter { !skips(next, $0.name) }.map(\.id)
            waiting += node.inner
        }
        return found
    }
}

extension SchemaNode {
    /// The schemas in here besides those of named properties.
    fileprivate var inner: [ID] {
        var ids = patternProperties.map(\.id) + prefixItems + allOf + anyOf + oneOf + dependentSchemas.map(\.id)
        ids += [additionalProperties, unevaluatedProperties, items, reference, not].compactMap { $0 }
        if let (condition, then, otherwise) = conditional { ids += [condition, then, otherwise].compactMap { $0 } }
        return ids
    }
}

extension CollectionSpec {
    /// What the schemas' `redact` takes out; right for a collection without faults only.
    var redaction: Redaction {
        var redaction = Redaction()
        if let write = model.write { redaction.add(write) }
        if schema == nil, let read = model.read { redaction.add(read) }
        return redaction
    }
}

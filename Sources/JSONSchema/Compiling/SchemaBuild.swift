import JSON

/// One run of the compiler: turns places in documents into nodes, each once, following references as they come.
final class SchemaBuild {
    /// Where the schemas are.
    let index: SchemaIndex
    /// How they are read.
    let options: SchemaCompiler.Options
    private(set) var faults: [SchemaFault]
    private var nodes: [SchemaNode?] = []
    private var ids: [SchemaIndex.Location: SchemaNode.ID] = [:]
    private var pending: [(id: SchemaNode.ID, location: SchemaIndex.Location)] = []
    private var patterns: [String: Pattern] = [:]
    private var usedResources: Set<Int> = []

    /// A run over indexed documents.
    init(_ index: SchemaIndex, _ options: SchemaCompiler.Options) {
        self.index = index
        self.options = options
        self.faults = index.faults
    }

    /// Compiles what URIs lead to; nil where faults make that impossible.
    func compile(_ references: [String]) -> [CompiledSchema]? {
        var roots: [SchemaNode.ID] = []
        for reference in references {
            let uri = URIReference(reference)
            guard let resource = index.resource(uri.resource),
                case .found(let location) = index.resolve(uri.fragment.map { "#" + $0 } ?? "", from: resource)
            else { return nil }
            roots.append(id(of: location))
        }
        var anchored: Set<Int> = []
        repeat {
            while let next = pending.popLast() { build(next.id, next.location) }
            for resource in usedResources.subtracting(anchored).sorted() {
                anchored.insert(resource)
                for (_, location) in index.resources[resource].dynamicAnchors { _ = id(of: location) }
            }
        } while !pending.isEmpty
        let finished = nodes.compactMap { $0 }
        guard faults.isEmpty, finished.count == nodes.count else { return nil }
        let dynamicAnchors = index.resources.map { resource in
            resource.dynamicAnchors.compactMapValues { ids[$0] }
        }
        let schemas = roots.map { CompiledSchema(nodes: finished, root: $0, dynamicAnchors: dynamicAnchors) }
        if let first = schemas.first { reportLoops(in: first) }
        return faults.isEmpty ? schemas : nil
    }

    /// The id of the schema at a place, which is compiled later where it is new.
    func id(of location: SchemaIndex.Location) -> SchemaNode.ID {
        if let known = ids[location] { return known }
        let id = nodes.count
        nodes.append(nil)
        ids[location] = id
        pending.append((id, location))
        return id
    }

    /// Adds a mistake at a keyword of a schema, or of the schema as a whole.
    func report(
        _ location: SchemaIndex.Location, _ keyword: String, _ message: String, isAboutKey: Bool = false,
        subject: String? = nil, candidates: [String] = []
    ) {
        faults.append(
            SchemaFault(
                document: index.documents[location.document].uri,
                pointer: keyword.isEmpty ? location.pointer : location.pointer.appending(keyword), keyword: keyword,
                message, isAboutKey: isAboutKey, subject: subject, candidates: candidates))
    }

    /// A compiled pattern, the same for the same text.
    func pattern(_ source: String) -> Result<Pattern, PatternError> {
        if let known = patterns[source] { return .success(known) }
        do throws(PatternError) {
            let pattern = try Pattern(source)
            patterns[source] = pattern
            return .success(pattern)
        } catch {
            return .failure(error)
        }
    }

    private func build(_ id: SchemaNode.ID, _ location: SchemaIndex.Location) {
        guard let (value, resource) = index.find(location) else { return }
        usedResources.insert(resource)
        var parts = SchemaNode.Parts()
        switch value {
        case .bool(let boolean): parts.boolean = boolean
        case .object(let object):
            parts = KeywordReader.read(object, at: location, resource: resource, self)
        default: report(location, "", "a schema must be an object, true or false, found \(value.phrase)")
        }
        nodes[id] = SchemaNode(
            id: id, document: index.documents[location.document].uri, pointer: location.pointer, source: value,
            parts: parts, resource: resource)
    }

    /// Finds schemas that apply to the same value without end.
    private func reportLoops(in schema: CompiledSchema) {
        var state = Array(repeating: 0, count: schema.nodes.count)
        for start in schema.nodes.indices where state[start] == 0 {
            var stack = [(id: start, next: 0, targets: schema.nodes[start].inPlaceTargets)]
            state[start] = 1
            while let top = stack.last {
                guard top.next < top.targets.count else {
                    state[top.id] = 2
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].next += 1
                let target = top.targets[top.next]
                if state[target] == 1 {
                    let node = schema.nodes[top.id]
                    let isReference = node.reference == target
                    faults.append(
                        SchemaFault(
                            document: node.document,
                            pointer: isReference ? node.pointer.appending("$ref") : node.pointer,
                            keyword: isReference ? "$ref" : "",
                            "the schema refers to itself without end"))
                    return
                }
                if state[target] == 0 {
                    state[target] = 1
                    stack.append((target, 0, schema.nodes[target].inPlaceTargets))
                }
            }
        }
    }
}

extension SchemaNode {
    /// The schemas that certainly apply to the same value as this one may.
    fileprivate var inPlaceTargets: [ID] {
        [parts.reference, parts.not, parts.condition, parts.then, parts.otherwise].compactMap { $0 } + parts.allOf
            + parts.anyOf + parts.oneOf + parts.dependentSchemas.map(\.id)
    }
}

extension JSONValue {
    /// The kind of value with its article, for messages.
    var phrase: String {
        switch self {
        case .null: "null"
        case .array, .object: "an \(typeName)"
        case .number(let number): number.isInteger ? "an integer" : "a number"
        default: "a \(typeName)"
        }
    }
}

import JSON
import JSONSchema

/// Works out the shape of a schema: properties are gathered over references, combinations and branches.
///
/// A schema that refers to itself is anything where it comes round again, and one whose branches multiply beyond a
/// bound is not followed further: then `isComplete` is false, and nothing may be held against what the shape lacks.
struct ShapeInference {
    private let schema: CompiledSchema
    private var open: Set<SchemaNode.ID> = []
    private var known: [SchemaNode.ID: Shape] = [:]
    private var steps = 0
    /// Recursions cut short so far: a shape with one of them in it is not kept for other uses.
    private var cuts = 0
    /// Whether everything was looked at.
    private(set) var isComplete = true

    /// Shapes compared with others so far.
    private var work = 0

    private static let stepLimit = 20_000
    private static let workLimit = 500_000
    private static let sizeLimit = 10_000

    private init(_ schema: CompiledSchema) {
        self.schema = schema
        // Shapes are large: a dictionary that grows would move each of them several times.
        known.reserveCapacity(schema.nodes.count)
    }

    /// The shape of a whole schema.
    static func infer(_ schema: CompiledSchema) -> (shape: Shape, isComplete: Bool, isRecursive: Bool) {
        var inference = ShapeInference(schema)
        let shape = inference.infer(schema.root)
        return (shape, inference.isComplete, inference.cuts > 0)
    }

    private mutating func infer(_ id: SchemaNode.ID) -> Shape {
        if let shape = known[id] { return shape }
        steps += 1
        guard isComplete, steps <= Self.stepLimit, open.count < 200 else {
            isComplete = false
            cuts += 1
            return .anything
        }
        guard open.insert(id).inserted else {
            cuts += 1
            return .anything
        }
        defer { open.remove(id) }
        let before = cuts
        let node = schema.nodes[id]
        var shape = Shape()
        shape.origin = id
        if let boolean = node.boolean {
            if !boolean { shape.types = [] }
            return shape
        }
        readScalars(node, &shape)
        readObject(node, &shape)
        readArray(node, &shape)
        shape.restrictToEnumeration()
        applyInPlace(node, &shape)
        if cuts == before { known[id] = shape }
        return shape
    }

    /// Both shapes' constraints, while there is work left to do.
    private mutating func intersect(_ left: Shape, _ right: Shape) -> Shape {
        takesOn(left, right) ? left.intersecting(right) : left
    }

    /// Either shape's constraints, while there is work left to do.
    private mutating func unite(_ left: Shape, _ right: Shape) -> Shape {
        takesOn(left, right) ? left.union(right) : left
    }

    private mutating func takesOn(_ left: Shape, _ right: Shape) -> Bool {
        guard isComplete else { return false }
        let sizes = (left.size(limit: Self.sizeLimit), right.size(limit: Self.sizeLimit))
        work += sizes.0 + sizes.1
        let isSmall = sizes.0 < Self.sizeLimit && sizes.1 < Self.sizeLimit && work <= Self.workLimit
        if !isSmall {
            isComplete = false
            cuts += 1
        }
        return isSmall
    }

    private func readScalars(_ node: SchemaNode, _ shape: inout Shape) {
        shape.types = node.types ?? .all
        shape.enumeration = node.constant.map { [$0] } ?? node.enumeration
        shape.format = node.format
        shape.contentEncoding = node.annotations["contentEncoding"]?.stringValue
        shape.redact = node.annotations["redact"]?["strategy"]?.stringValue
        if let value = node.annotations["reduce"], let strategy = try? ReduceStrategy(value) {
            shape.reduction = .strategy(strategy)
        }
        if let value = node.annotations["default"] {
            let fault = schema.part(node.id).validate(value).first?.description
            shape.defaultValue = Shape.Default(value: value, fault: fault)
        }
        shape.minLength = node.source["minLength"]?.intValue ?? 0
        shape.maxLength = node.source["maxLength"]?.intValue
        shape.minimum = node.source["minimum"]?.numberValue
        shape.maximum = node.source["maximum"]?.numberValue
    }

    private mutating func readObject(_ node: SchemaNode, _ shape: inout Shape) {
        let required = Set(node.required.map(JSONKey.init))
        for (pattern, id) in node.patternProperties {
            shape.patternProperties.append(.init(pattern: pattern, shape: infer(id)))
        }
        for (name, id) in node.properties {
            var property = Shape.Property(
                name: name, isRequired: required.contains(JSONKey(name)), shape: infer(id))
            for other in shape.patternProperties where other.pattern.matches(name) {
                property.shape = intersect(property.shape, other.shape)
            }
            shape.properties.append(property)
        }
        let additional = node.additionalProperties.map { Shape.Box(infer($0)) }
        for name in node.required where shape.property(name) == nil {
            let unnamed = shape.patternProperties.first { $0.pattern.matches(name) }?.shape ?? additional?.shape
            shape.properties.append(.init(name: name, isRequired: true, shape: unnamed ?? .anything))
        }
        shape.additionalProperties = additional
    }

    private mutating func readArray(_ node: SchemaNode, _ shape: inout Shape) {
        shape.tuple = node.prefixItems.map { infer($0) }
        shape.additionalItems = node.items.map { Shape.Box(infer($0)) }
        shape.minItems = node.source["minItems"]?.intValue ?? 0
        shape.maxItems = node.source["maxItems"]?.intValue
    }

    private mutating func applyInPlace(_ node: SchemaNode, _ shape: inout Shape) {
        if let id = node.reference { shape = intersect(shape, infer(id)) }
        for id in node.allOf { shape = intersect(shape, infer(id)) }
        for branches in [node.oneOf, node.anyOf] where !branches.isEmpty {
            let united = branches.dropFirst().reduce(infer(branches[0])) { unite($0, infer($1)) }
            shape = intersect(shape, united)
        }
        if let (_, then, otherwise) = node.conditional, let then, let otherwise {
            shape = intersect(shape, unite(infer(then), infer(otherwise)))
        }
        if let id = node.unevaluatedProperties, shape.additionalProperties == nil {
            shape.additionalProperties = Shape.Box(infer(id))
        }
    }
}

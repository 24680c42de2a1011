import JSON
import JSONSchema

/// What a schema says of a location as far as it can be told without a document: types, and the shapes of what is in it.
struct Shape: Sendable {
    /// How values of the location are reduced.
    enum Reduction: Sendable, Hashable {
        /// No schema says.
        case unset
        /// The one that applies.
        case strategy(ReduceStrategy)
        /// Several of which the document chooses one.
        case several
    }

    /// A named member.
    struct Property: Sendable {
        let name: String
        /// Every object of the location has it.
        var isRequired: Bool
        var shape: Shape
    }

    /// Members whose name matches a pattern.
    struct PatternProperty: Sendable {
        let pattern: Pattern
        var shape: Shape
    }

    /// A value left out in a document stands for this one.
    struct Default: Sendable, Hashable {
        let value: JSONValue
        /// Why the location's own schema doesn't allow it; nil where it does.
        let fault: String?
    }

    /// A shape inside a shape.
    final class Box: Sendable {
        let shape: Shape
        init(_ shape: Shape) { self.shape = shape }
    }

    /// The JSON types that a value may have; none where the location can't exist.
    var types = TypeSet.all
    /// The only values allowed, in document order; nil for any.
    var enumeration: [JSONValue]?
    var reduction = Reduction.unset
    var format: String?
    var contentEncoding: String?
    /// `redact`, as written.
    var redact: String?
    var defaultValue: Default?
    var minLength = 0
    var maxLength: Int?
    var minimum: JSONNumber?
    var maximum: JSONNumber?

    /// Named members, by name.
    var properties: [Property] = []
    var patternProperties: [PatternProperty] = []
    /// Of all other members; nil where the schema doesn't say.
    var additionalProperties: Box?

    /// Of the first items.
    var tuple: [Shape] = []
    /// Of all further items; nil where the schema doesn't say.
    var additionalItems: Box?
    var minItems = 0
    var maxItems: Int?

    /// The schema that speaks of the location first, to show its place.
    var origin: SchemaNode.ID?

    /// A location of which nothing is known.
    static let anything = Shape()
    /// A location that can't exist.
    static let nothing = Shape(types: [])

    /// Whether no value can be there.
    var isImpossible: Bool { types.isEmpty }

    /// A shape of these types and nothing else.
    init(types: TypeSet = .all) { self.types = types }

    /// The number of shapes in this one, itself included, counted up to a limit. Shapes that are shared count each time.
    func size(limit: Int) -> Int {
        var count = 1
        func add(_ shape: Shape) { if count < limit { count += shape.size(limit: limit - count) } }
        for property in properties { add(property.shape) }
        for property in patternProperties { add(property.shape) }
        for shape in tuple { add(shape) }
        if let additionalProperties { add(additionalProperties.shape) }
        if let additionalItems { add(additionalItems.shape) }
        return count
    }

    /// A named member; nil where the schema doesn't name it.
    func property(_ name: String) -> Property? {
        let wanted = JSONKey(name)
        return properties.first { JSONKey($0.name) == wanted }
    }

    /// What is known of a member that isn't named: by its pattern, or as all others; nil for nothing.
    func unnamedProperty(_ name: String) -> Shape? {
        patternProperties.first { $0.pattern.matches(name) }?.shape ?? additionalProperties?.shape
    }
}

extension TypeSet {
    /// The types of several values.
    init(of values: [JSONValue]) {
        self = values.reduce(into: []) { $0.formUnion(TypeSet(of: $1)) }
    }
}

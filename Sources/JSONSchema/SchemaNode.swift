import JSON

/// One compiled schema. Subschemas are named by their ids, so that schemas may refer to each other in circles.
public final class SchemaNode: Sendable {
    /// The place of a node in its `CompiledSchema`.
    public typealias ID = Int

    /// What strings must be.
    struct StringRules: Sendable {
        var minLength: Int?
        var maxLength: Int?
        var pattern: Pattern?
        var isEmpty: Bool { minLength == nil && maxLength == nil && pattern == nil }
    }

    /// What numbers must be.
    struct NumberRules: Sendable {
        var minimum: JSONNumber?
        var maximum: JSONNumber?
        var exclusiveMinimum: JSONNumber?
        var exclusiveMaximum: JSONNumber?
        var multipleOf: JSONNumber?
        var isEmpty: Bool {
            minimum == nil && maximum == nil && exclusiveMinimum == nil && exclusiveMaximum == nil && multipleOf == nil
        }
    }

    /// What arrays must be.
    struct ArrayRules: Sendable {
        var minItems: Int?
        var maxItems: Int?
        var uniqueItems = false
        var contains: ID?
        var minContains: Int?
        var maxContains: Int?
        var isEmpty: Bool { minItems == nil && maxItems == nil && !uniqueItems && contains == nil }
    }

    /// What objects must be, besides the schemas of their members.
    struct ObjectRules: Sendable {
        var minProperties: Int?
        var maxProperties: Int?
        var required: [String] = []
        var dependentRequired: [(key: String, needs: [String])] = []
        var propertyNames: ID?
        var isEmpty: Bool {
            minProperties == nil && maxProperties == nil && required.isEmpty && dependentRequired.isEmpty
                && propertyNames == nil
        }
    }

    /// Everything a schema says, as the compiler fills it in.
    struct Parts: Sendable {
        var boolean: Bool?
        var types: TypeSet?
        var constant: JSONValue?
        var enumeration: [JSONValue]?
        var strings = StringRules()
        var numbers = NumberRules()
        var arrays = ArrayRules()
        var objects = ObjectRules()
        var format: String?
        var assertsFormat = false

        var properties: [(name: String, id: ID)] = []
        var patternProperties: [(pattern: Pattern, id: ID)] = []
        var additionalProperties: ID?
        var prefixItems: [ID] = []
        var items: ID?
        var itemsKeyword = "items"

        var reference: ID?
        /// The name is nil for a `$dynamicRef` that is no more than a `$ref`.
        var dynamicReference: (fallback: ID, name: String?)?
        var allOf: [ID] = []
        var anyOf: [ID] = []
        var oneOf: [ID] = []
        var not: ID?
        var condition: ID?
        var then: ID?
        var otherwise: ID?
        var dependentSchemas: [(key: String, id: ID)] = []
        var unevaluatedItems: ID?
        var unevaluatedProperties: ID?

        var annotations = JSONObject()
        var isSecret = false
    }

    /// The schema's own id.
    public let id: ID
    /// The URI under which the schema's document was given.
    public let document: String
    /// The schema's place in that document.
    public let pointer: JSONPointer
    /// The schema as it is written.
    public let source: JSONValue
    let parts: Parts
    /// The resource that the schema belongs to, for dynamic references.
    let resource: Int
    /// Where each name is in `parts.properties`.
    let propertyIndex: [JSONKey: Int]
    /// Whether members are checked at all.
    let checksMembers: Bool
    /// Whether items are checked at all.
    let checksItems: Bool
    /// Whether there are rules for strings, numbers, arrays and objects as such.
    let checksStrings: Bool
    let checksNumbers: Bool
    let checksArrays: Bool
    let checksObjects: Bool
    /// Whether there is anything that applies to the same value: references and combinations.
    let hasInPlace: Bool

    init(id: ID, document: String, pointer: JSONPointer, source: JSONValue, parts: Parts, resource: Int) {
        self.id = id
        self.document = document
        self.pointer = pointer
        self.source = source
        self.parts = parts
        self.resource = resource
        var index: [JSONKey: Int] = [:]
        for (place, property) in parts.properties.enumerated() { index[JSONKey(property.name)] = place }
        propertyIndex = index
        checksMembers =
            !parts.properties.isEmpty || !parts.patternProperties.isEmpty || parts.additionalProperties != nil
        checksItems = !parts.prefixItems.isEmpty || parts.items != nil
        checksStrings = !parts.strings.isEmpty || (parts.format != nil && parts.assertsFormat)
        checksNumbers = !parts.numbers.isEmpty
        checksArrays = !parts.arrays.isEmpty
        checksObjects = !parts.objects.isEmpty
        hasInPlace =
            parts.reference != nil || parts.dynamicReference != nil || !parts.allOf.isEmpty || !parts.anyOf.isEmpty
            || !parts.oneOf.isEmpty || parts.not != nil || parts.condition != nil || !parts.dependentSchemas.isEmpty
    }

    /// `true` and `false` schemas; nil for all others.
    public var boolean: Bool? { parts.boolean }
    /// The allowed types; nil where `type` is absent.
    public var types: TypeSet? { parts.types }
    /// The only allowed value.
    public var constant: JSONValue? { parts.constant }
    /// The allowed values.
    public var enumeration: [JSONValue]? { parts.enumeration }
    /// The `format`, asserted or not.
    public var format: String? { parts.format }
    /// The schemas of named members in the order written.
    public var properties: [(name: String, id: ID)] { parts.properties }
    /// The schema of a named member.
    public func property(_ name: String) -> ID? { propertyIndex[JSONKey(name)].map { parts.properties[$0].id } }
    /// The schemas of members whose name matches a pattern.
    public var patternProperties: [(pattern: Pattern, id: ID)] { parts.patternProperties }
    /// The schema of all other members.
    public var additionalProperties: ID? { parts.additionalProperties }
    /// The schema of members that nothing else evaluates.
    public var unevaluatedProperties: ID? { parts.unevaluatedProperties }
    /// The names that must be there.
    public var required: [String] { parts.objects.required }
    /// The schemas of the first items.
    public var prefixItems: [ID] { parts.prefixItems }
    /// The schema of all items after the first ones.
    public var items: ID? { parts.items }
    /// The schema that `$ref` leads to; for `$dynamicRef` the one that it leads to at first.
    public var reference: ID? { parts.reference ?? parts.dynamicReference?.fallback }
    /// The schemas of `allOf`.
    public var allOf: [ID] { parts.allOf }
    /// The schemas of `anyOf`.
    public var anyOf: [ID] { parts.anyOf }
    /// The schemas of `oneOf`.
    public var oneOf: [ID] { parts.oneOf }
    /// The schema of `not`.
    public var not: ID? { parts.not }
    /// The schemas of `if`, `then` and `else`.
    public var conditional: (condition: ID, then: ID?, otherwise: ID?)? {
        parts.condition.map { ($0, parts.then, parts.otherwise) }
    }
    /// The schemas that apply where a member is there.
    public var dependentSchemas: [(key: String, id: ID)] { parts.dependentSchemas }
    /// Keywords that assert nothing, with their values: `title`, `default`, `secret`, `reduce`, `x-…`.
    public var annotations: JSONObject { parts.annotations }
    /// Whether the schema says that values are secrets.
    public var isSecret: Bool { parts.isSecret }
}

import JSON

/// One compiled schema. Subschemas are named by their ids, so that schemas may refer to each other in circles.
public final class SchemaNode: Sendable {
    /// The place of a node in its `CompiledSchema`.
    public typealias ID = Int

    /// What strings must be.
    struct StringRules: Sendable {
        /// `minLength`.
        var minLength: Int?
        /// `maxLength`.
        var maxLength: Int?
        /// `pattern`.
        var pattern: Pattern?
        /// Whether no keyword says anything.
        var isEmpty: Bool { minLength == nil && maxLength == nil && pattern == nil }
    }

    /// What numbers must be.
    struct NumberRules: Sendable {
        /// `minimum`.
        var minimum: JSONNumber?
        /// `maximum`.
        var maximum: JSONNumber?
        /// `exclusiveMinimum`.
        var exclusiveMinimum: JSONNumber?
        /// `exclusiveMaximum`.
        var exclusiveMaximum: JSONNumber?
        /// `multipleOf`.
        var multipleOf: JSONNumber?
        /// Whether no keyword says anything.
        var isEmpty: Bool {
            minimum == nil && maximum == nil && exclusiveMinimum == nil && exclusiveMaximum == nil && multipleOf == nil
        }
    }

    /// What arrays must be.
    struct ArrayRules: Sendable {
        /// `minItems`.
        var minItems: Int?
        /// `maxItems`.
        var maxItems: Int?
        /// `uniqueItems`.
        var uniqueItems = false
        /// `contains`.
        var contains: ID?
        /// `minContains`.
        var minContains: Int?
        /// `maxContains`.
        var maxContains: Int?
        /// Whether no keyword says anything.
        var isEmpty: Bool { minItems == nil && maxItems == nil && !uniqueItems && contains == nil }
    }

    /// What objects must be, besides the schemas of their members.
    struct ObjectRules: Sendable {
        /// `minProperties`.
        var minProperties: Int?
        /// `maxProperties`.
        var maxProperties: Int?
        /// `required`.
        var required: [String] = []
        /// `dependentRequired`.
        var dependentRequired: [(key: String, needs: [String])] = []
        /// `propertyNames`.
        var propertyNames: ID?
        /// Whether no keyword says anything.
        var isEmpty: Bool {
            minProperties == nil && maxProperties == nil && required.isEmpty && dependentRequired.isEmpty
                && propertyNames == nil
        }
    }

    /// Everything a schema says, as the compiler fills it in.
    struct Parts: Sendable {
        /// `true` or `false` in place of an object.
        var boolean: Bool?
        /// `type`.
        var types: TypeSet?
        /// `const`.
        var constant: JSONValue?
        /// `enum`.
        var enumeration: [JSONValue]?
        /// The keywords of strings.
        var strings = StringRules()
        /// The keywords of numbers.
        var numbers = NumberRules()
        /// The keywords of arrays.
        var arrays = ArrayRules()
        /// The keywords of objects.
        var objects = ObjectRules()
        /// `format`.
        var format: String?
        /// Whether `format` is checked.
        var assertsFormat = false

        /// `properties`.
        var properties: [(name: String, id: ID)] = []
        /// `patternProperties`.
        var patternProperties: [(pattern: Pattern, id: ID)] = []
        /// `additionalProperties`.
        var additionalProperties: ID?
        /// `prefixItems`.
        var prefixItems: [ID] = []
        /// `items`, or `additionalItems` after an array.
        var items: ID?
        /// Which of both it is.
        var itemsKeyword = "items"

        /// `$ref`.
        var reference: ID?
        /// The name is nil for a `$dynamicRef` that is no more than a `$ref`.
        var dynamicReference: (fallback: ID, name: String?)?
        /// `allOf`.
        var allOf: [ID] = []
        /// `anyOf`.
        var anyOf: [ID] = []
        /// `oneOf`.
        var oneOf: [ID] = []
        /// `not`.
        var not: ID?
        /// `if`.
        var condition: ID?
        /// `then`.
        var then: ID?
        /// `else`.
        var otherwise: ID?
        /// `dependentSchemas`.
        var dependentSchemas: [(key: String, id: ID)] = []
        /// `unevaluatedItems`.
        var unevaluatedItems: ID?
        /// `unevaluatedProperties`.
        var unevaluatedProperties: ID?

        /// Keywords that assert nothing.
        var annotations = JSONObject()
        /// `secret` or `airbyte_secret` is true.
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
    /// What the schema says.
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
    /// Whether there are rules for numbers.
    let checksNumbers: Bool
    /// Whether there are rules for arrays as such.
    let checksArrays: Bool
    /// Whether there are rules for objects as such.
    let checksObjects: Bool
    /// Whether there is anything that applies to the same value: references and combinations.
    let hasInPlace: Bool

    /// Takes what the compiler has read.
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

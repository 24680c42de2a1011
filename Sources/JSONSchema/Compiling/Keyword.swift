import JSON

/// What each keyword of the dialect holds: draft 2020-12, the older forms that catalogs use, and Flow's annotations.
enum Keyword {
    /// Where the schemas are in a keyword's value.
    enum Shape {
        /// One schema.
        case schema
        /// An array of schemas.
        case schemas
        /// An object of schemas.
        case schemaMap
        /// A schema or an array of them: `items` as drafts before 2020-12 have it.
        case schemaOrSchemas
        /// An object of schemas or string arrays: `dependencies` of old drafts.
        case schemaOrNamesMap
        /// No schema inside.
        case other
    }

    /// The vocabulary that a keyword belongs to.
    enum Group {
        /// The vocabularies of draft 2020-12; annotations are always known.
        case core, applicator, unevaluated, validation, format, annotation
    }

    /// The keywords by name.
    static let all: [String: (shape: Shape, group: Group)] = {
        var table: [String: (Shape, Group)] = [:]
        func add(_ names: String, _ shape: Shape, _ group: Group) {
            for name in names.split(separator: " ") { table[String(name)] = (shape, group) }
        }
        add("$id $schema $anchor $dynamicAnchor $ref $dynamicRef $comment $vocabulary", .other, .core)
        add("$recursiveRef $recursiveAnchor", .other, .core)
        add("$defs definitions", .schemaMap, .core)
        add("allOf anyOf oneOf prefixItems", .schemas, .applicator)
        add("not if then else contains additionalProperties propertyNames additionalItems", .schema, .applicator)
        add("items", .schemaOrSchemas, .applicator)
        add("properties patternProperties dependentSchemas", .schemaMap, .applicator)
        add("dependencies", .schemaOrNamesMap, .applicator)
        add("unevaluatedItems unevaluatedProperties", .schema, .unevaluated)
        add("type const enum multipleOf maximum exclusiveMaximum minimum exclusiveMinimum", .other, .validation)
        add("maxLength minLength pattern maxItems minItems uniqueItems maxContains minContains", .other, .validation)
        add("maxProperties minProperties required dependentRequired", .other, .validation)
        add("format", .other, .format)
        add("title description default deprecated readOnly writeOnly examples", .other, .annotation)
        add("contentEncoding contentMediaType", .other, .annotation)
        add("contentSchema", .schema, .annotation)
        add(
            "reduce redact secret airbyte_secret multiline advanced order nonsensitive discriminator", .other,
            .annotation)
        return table
    }()

    /// The names in a stable order, for suggestions.
    static let names: [String] = all.keys.sorted()

    /// Calls `visit` for each schema directly inside a schema object, with the tokens that lead to it.
    static func forEachSubschema(of object: JSONObject, _ visit: ([String], JSONValue) -> Void) {
        for member in object {
            guard let shape = all[member.key]?.shape else { continue }
            switch (shape, member.value) {
            case (.schemas, .array(let items)), (.schemaOrSchemas, .array(let items)):
                for (index, item) in items.enumerated() { visit([member.key, String(index)], item) }
            case (.schema, let value), (.schemaOrSchemas, let value): visit([member.key], value)
            case (.schemaMap, .object(let map)), (.schemaOrNamesMap, .object(let map)):
                for entry in map where entry.value.arrayValue == nil { visit([member.key, entry.key], entry.value) }
            default: break
            }
        }
    }
}

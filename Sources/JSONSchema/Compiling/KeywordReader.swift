import JSON

/// Reads the keywords of one schema object into a node's parts, and reports those that are not as they must be.
struct KeywordReader {
    /// The run that compiles what is found.
    let build: SchemaBuild
    /// The schema's place.
    let location: SchemaIndex.Location
    /// The resource that it belongs to.
    let resource: Int
    private let object: JSONObject
    private var parts = SchemaNode.Parts()

    private init(build: SchemaBuild, location: SchemaIndex.Location, resource: Int, object: JSONObject) {
        self.build = build
        self.location = location
        self.resource = resource
        self.object = object
    }

    /// The parts of the schema object at a place.
    static func read(
        _ object: JSONObject, at location: SchemaIndex.Location, resource: Int, _ build: SchemaBuild
    ) -> SchemaNode.Parts {
        var reader = KeywordReader(build: build, location: location, resource: resource, object: object)
        return reader.read()
    }

    private mutating func read() -> SchemaNode.Parts {
        let vocabularies = build.index.resources[resource].vocabularies
        parts.assertsFormat = build.options.assertsFormat || vocabularies.formatAssertion
        for member in object {
            guard let keyword = Keyword.all[member.key] else {
                readUnknown(member.key, member.value)
                continue
            }
            switch keyword.group {
            case .core: readCore(member.key, member.value)
            case .applicator: if vocabularies.applicator { readApplicator(member.key, member.value) }
            case .unevaluated: if vocabularies.unevaluated { readApplicator(member.key, member.value) }
            case .validation: if vocabularies.validation { readValidation(member.key, member.value) }
            case .format:
                parts.format = string(member.key, member.value)
                parts.annotations[member.key] = member.value
            case .annotation: readAnnotation(member.key, member.value)
            }
        }
        if vocabularies.applicator { readItems() }
        return parts
    }

    private mutating func readUnknown(_ name: String, _ value: JSONValue) {
        parts.annotations[name] = value
        guard build.options.isStrict, !name.hasPrefix("x-") else { return }
        let instead = name == "nullable" ? "; write type: [string, \"null\"] or another type beside null" : ""
        build.report(
            location, name, "unknown keyword '\(name.prefix(80))'\(instead)", isAboutKey: true, subject: name,
            candidates: Keyword.names)
    }

    private mutating func readAnnotation(_ keyword: String, _ value: JSONValue) {
        parts.annotations[keyword] = value
        if value == true, keyword == "secret" || keyword == "airbyte_secret" { parts.isSecret = true }
        switch keyword {
        case "title", "description", "contentMediaType":
            expect(value.stringValue != nil, keyword, "a string", value)
        case "deprecated", "readOnly", "writeOnly", "secret", "airbyte_secret", "multiline", "advanced":
            expect(value.boolValue != nil, keyword, "true or false", value)
        case "examples": expect(value.arrayValue != nil, keyword, "an array", value)
        case "contentSchema": if build.options.isStrict { _ = child(keyword) }
        default: break
        }
        if keyword == "contentEncoding", build.options.isStrict, value != "base64" {
            report(keyword, "'contentEncoding' can only be \"base64\"")
        }
    }

    private mutating func readCore(_ keyword: String, _ value: JSONValue) {
        switch keyword {
        case "$ref":
            guard let text = string(keyword, value), let target = resolve(keyword, text) else { return }
            parts.reference = build.id(of: target)
        case "$dynamicRef": readDynamicReference(value)
        case "$recursiveRef":
            guard value == "#" else {
                report(keyword, "'$recursiveRef' must be \"#\"")
                return
            }
            let root = build.index.resources[resource].location
            if build.index.resources[resource].dynamicAnchors[""] == root {
                parts.dynamicReference = (build.id(of: root), "")
            } else {
                parts.reference = build.id(of: root)
            }
        case "$defs", "definitions":
            // Compiled where they are used; in strict reading all of them, so that their mistakes are found.
            guard let map = schemaMap(keyword, value) else { return }
            if build.options.isStrict { for (_, target) in map { _ = build.id(of: target) } }
        case "$schema", "$comment": _ = string(keyword, value)
        default: break
        }
    }

    private mutating func readDynamicReference(_ value: JSONValue) {
        guard let text = string("$dynamicRef", value), let target = resolve("$dynamicRef", text) else { return }
        let id = build.id(of: target)
        // Only where the reference leads to a dynamic anchor at first is it dynamic at all.
        if let name = URIReference(text).fragment, !name.hasPrefix("/"),
            let found = build.index.find(target),
            build.index.resources[found.resource].dynamicAnchors[name] == target
        {
            parts.dynamicReference = (id, name)
        } else {
            parts.dynamicReference = (id, nil)
        }
    }

    private mutating func resolve(_ keyword: String, _ text: String) -> SchemaIndex.Location? {
        switch build.index.resolve(text, from: resource) {
        case .found(let location): return location
        case .noDocument(let uri):
            report(keyword, "'\(text.prefix(200))' leads to '\(uri.prefix(200))', which is no known schema")
        case .noPlace(let place):
            report(keyword, "'\(text.prefix(200))' leads to nothing: '\(place.prefix(200))' is not there")
        }
        return nil
    }

    private mutating func readApplicator(_ keyword: String, _ value: JSONValue) {
        switch keyword {
        case "allOf": parts.allOf = schemas(keyword, value)
        case "anyOf": parts.anyOf = schemas(keyword, value)
        case "oneOf": parts.oneOf = schemas(keyword, value)
        case "not": parts.not = child(keyword)
        case "if": parts.condition = child(keyword)
        case "then": parts.then = child(keyword)
        case "else": parts.otherwise = child(keyword)
        case "contains": parts.arrays.contains = child(keyword)
        case "additionalProperties": parts.additionalProperties = child(keyword)
        case "propertyNames": parts.objects.propertyNames = child(keyword)
        case "unevaluatedItems": parts.unevaluatedItems = child(keyword)
        case "unevaluatedProperties": parts.unevaluatedProperties = child(keyword)
        case "properties":
            guard let map = schemaMap(keyword, value) else { return }
            parts.properties = map.map { ($0.key, build.id(of: $0.location)) }
        case "patternProperties":
            guard let map = schemaMap(keyword, value) else { return }
            for (source, target) in map {
                if let pattern = pattern(keyword, source) {
                    parts.patternProperties.append((pattern, build.id(of: target)))
                }
            }
        case "dependentSchemas":
            guard let map = schemaMap(keyword, value) else { return }
            parts.dependentSchemas += map.map { ($0.key, build.id(of: $0.location)) }
        case "dependencies": readDependencies(value)
        default: break
        }
    }

    private mutating func readDependencies(_ value: JSONValue) {
        guard case .object(let map) = value else {
            report("dependencies", "'dependencies' must be an object, found \(value.phrase)")
            return
        }
        for member in map {
            if case .array = member.value {
                let needs = names("dependencies", member.value)
                parts.objects.dependentRequired.append((member.key, needs))
            } else {
                parts.dependentSchemas.append((member.key, build.id(of: place("dependencies", member.key))))
            }
        }
    }

    /// `prefixItems` and `items`, or the older forms: an array in `items`, and `additionalItems` after it.
    private mutating func readItems() {
        if let value = object["prefixItems"] { parts.prefixItems = schemas("prefixItems", value) }
        if case .array = object["items"] {
            parts.prefixItems = schemas("items", object["items"] ?? .null)
            if object["additionalItems"] != nil {
                parts.items = child("additionalItems")
                parts.itemsKeyword = "additionalItems"
            }
        } else if object["items"] != nil {
            parts.items = child("items")
        }
    }

    private mutating func readValidation(_ keyword: String, _ value: JSONValue) {
        switch keyword {
        case "type": parts.types = types(value)
        case "const": parts.constant = value
        case "enum":
            guard case .array(let values) = value else {
                report(keyword, "'enum' must be an array, found \(value.phrase)")
                return
            }
            parts.enumeration = values
        case "minimum": parts.numbers.minimum = number(keyword, value)
        case "maximum": parts.numbers.maximum = number(keyword, value)
        case "exclusiveMinimum": parts.numbers.exclusiveMinimum = number(keyword, value)
        case "exclusiveMaximum": parts.numbers.exclusiveMaximum = number(keyword, value)
        case "multipleOf":
            guard let number = number(keyword, value) else { return }
            guard number > JSONNumber(0), number.text.utf8.count <= 1000 else {
                report(keyword, "'multipleOf' must be above 0")
                return
            }
            parts.numbers.multipleOf = number
        case "minLength": parts.strings.minLength = count(keyword, value)
        case "maxLength": parts.strings.maxLength = count(keyword, value)
        case "pattern":
            guard let source = string(keyword, value) else { return }
            parts.strings.pattern = pattern(keyword, source)
        case "minItems": parts.arrays.minItems = count(keyword, value)
        case "maxItems": parts.arrays.maxItems = count(keyword, value)
        case "minContains": parts.arrays.minContains = count(keyword, value)
        case "maxContains": parts.arrays.maxContains = count(keyword, value)
        case "uniqueItems":
            guard let isUnique = value.boolValue else {
                report(keyword, "'uniqueItems' must be true or false, found \(value.phrase)")
                return
            }
            parts.arrays.uniqueItems = isUnique
        case "minProperties": parts.objects.minProperties = count(keyword, value)
        case "maxProperties": parts.objects.maxProperties = count(keyword, value)
        case "required": parts.objects.required = names(keyword, value)
        case "dependentRequired":
            guard case .object(let map) = value else {
                report(keyword, "'dependentRequired' must be an object, found \(value.phrase)")
                return
            }
            for member in map {
                let needs = names(keyword, member.value)
                parts.objects.dependentRequired.append((member.key, needs))
            }
        default: break
        }
    }
}

import JSON
import JSONSchema

/// Two JSON Schemas as one that allows what either allows.
enum SchemaMerge {
    /// The union, as a schema of what can be told of both.
    static func merge(
        _ left: JSONValue, _ right: JSONValue, at location: JSONPointer
    ) throws(Reducer.Failure) -> JSONValue {
        schema(of: try shape(left, location).union(try shape(right, location)))
    }

    private static func shape(_ value: JSONValue, _ location: JSONPointer) throws(Reducer.Failure) -> Shape {
        guard value.objectValue != nil else {
            throw Reducer.Failure(
                location: location, message: "'jsonSchemaMerge' takes JSON Schemas as objects, not \(value.typeName)")
        }
        do {
            return ShapeInference.infer(try SchemaCompiler(.flow).compile(value)).shape
        } catch {
            let reason = error.faults.first.map { ": \($0.message)" } ?? ""
            throw Reducer.Failure(location: location, message: "'jsonSchemaMerge' got no JSON Schema\(reason)")
        }
    }

    private static func schema(of shape: Shape) -> JSONValue {
        if shape.isImpossible { return false }
        var schema = JSONObject()
        if shape.types != .all {
            let names = shape.types.names.sorted().map { JSONValue.string($0) }
            schema["type"] = names.count == 1 ? names[0] : .array(names)
        }
        if let values = shape.enumeration { schema["enum"] = .array(values) }
        if case .strategy(let strategy) = shape.reduction { schema["reduce"] = strategy.json }
        if let value = shape.defaultValue { schema["default"] = value.value }
        if shape.types.contains(.string) { addText(shape, &schema) }
        if !shape.types.isDisjoint(with: .number) {
            if let bound = shape.minimum { schema["minimum"] = .number(bound) }
            if let bound = shape.maximum { schema["maximum"] = .number(bound) }
        }
        if shape.types.contains(.object) { addObject(shape, &schema) }
        if shape.types.contains(.array) { addArray(shape, &schema) }
        return .object(schema)
    }

    private static func addText(_ shape: Shape, _ schema: inout JSONObject) {
        if let format = shape.format { schema["format"] = .string(format) }
        if let encoding = shape.contentEncoding { schema["contentEncoding"] = .string(encoding) }
        if shape.minLength > 0 { schema["minLength"] = .int(shape.minLength) }
        if let limit = shape.maxLength { schema["maxLength"] = .int(limit) }
    }

    private static func addObject(_ shape: Shape, _ schema: inout JSONObject) {
        let sorted = shape.properties.sorted { DocumentOrder.text($0.name, $1.name) == .ascending }
        if !sorted.isEmpty {
            schema["properties"] = .object(JSONObject(sorted.map { ($0.name, self.schema(of: $0.shape)) }))
        }
        let required = sorted.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema["required"] = .array(required) }
        if !shape.patternProperties.isEmpty {
            schema["patternProperties"] = .object(
                JSONObject(shape.patternProperties.map { ($0.pattern.source, self.schema(of: $0.shape)) }))
        }
        if let others = shape.additionalProperties { schema["additionalProperties"] = self.schema(of: others.shape) }
    }

    private static func addArray(_ shape: Shape, _ schema: inout JSONObject) {
        if !shape.tuple.isEmpty { schema["prefixItems"] = .array(shape.tuple.map(self.schema)) }
        if let items = shape.additionalItems { schema["items"] = self.schema(of: items.shape) }
        if shape.minItems > 0 { schema["minItems"] = .int(shape.minItems) }
        if let limit = shape.maxItems { schema["maxItems"] = .int(limit) }
    }
}

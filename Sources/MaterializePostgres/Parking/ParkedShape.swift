import Connectors
import JSON

/// A source's shape as a park keeps it: everything that a row needs to be stored, and a table to be changed, later.
enum ParkedShape {
    static func text(_ shape: TableShape) -> String {
        JSONWriter.write(
            .object(
                JSONObject([
                    ("namespace", .string(shape.namespace)), ("name", .string(shape.name)),
                    ("columns", .array(shape.columns.map { .object(ShapeRecord.members(of: $0)) })),
                    ("generated", .array(shape.generated.map { .object(ShapeRecord.members(of: $0)) })),
                    ("types", .array(shape.types.map(json))),
                ])))
    }

    /// Nil for text that is none.
    static func shape(_ text: String, table: Int) -> TableShape? {
        guard let record = try? JSONValue(parsing: text), let namespace = record["namespace"]?.stringValue,
            let name = record["name"]?.stringValue, let types = record["types"]?.arrayValue,
            let known = ShapeRecord(text, table: table, namespace: namespace, name: name)
        else { return nil }
        let definitions = types.compactMap(definition)
        guard definitions.count == types.count else { return nil }
        return TableShape(
            table: table, namespace: namespace, name: name, columns: known.shape.columns, types: definitions,
            generated: known.shape.generated)
    }

    private static func json(_ type: TypeDefinition) -> JSONValue {
        var object = JSONObject([("schema", .string(type.schema)), ("name", .string(type.name))])
        switch type.kind {
        case .enumeration(let labels): object["labels"] = .array(labels.map { .string($0) })
        case .domain(let definition): object["domain"] = .string(definition)
        case .composite(let attributes):
            object["attributes"] = .array(attributes.map { .array([.string($0.name), .string($0.type)]) })
        case .extensionType(let name): object["extension"] = .string(name)
        }
        return .object(object)
    }

    private static func definition(_ value: JSONValue) -> TypeDefinition? {
        guard let schema = value["schema"]?.stringValue, let name = value["name"]?.stringValue else { return nil }
        let kind: TypeDefinition.Kind
        if let labels = value["labels"]?.arrayValue {
            kind = .enumeration(labels: labels.compactMap(\.stringValue))
        } else if let domain = value["domain"]?.stringValue {
            kind = .domain(definition: domain)
        } else if let attributes = value["attributes"]?.arrayValue {
            kind = .composite(
                attributes: attributes.compactMap { pair in
                    guard let pair = pair.arrayValue, pair.count == 2, let name = pair[0].stringValue,
                        let type = pair[1].stringValue
                    else { return nil }
                    return TypeDefinition.Attribute(name: name, type: type)
                })
        } else if let name = value["extension"]?.stringValue {
            kind = .extensionType(extension: name)
        } else {
            return nil
        }
        return TypeDefinition(schema: schema, name: name, kind: kind)
    }
}

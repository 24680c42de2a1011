import JSON

/// The kinds of values that keywords have, each reported where it is not as it must be.
extension KeywordReader {
    /// Reports a mistake in a keyword's value.
    func report(_ keyword: String, _ message: String) {
        build.report(location, keyword, message)
    }

    /// The place of what is inside this schema.
    func place(_ tokens: String...) -> SchemaIndex.Location {
        SchemaIndex.Location(document: location.document, pointer: JSONPointer(location.pointer.tokens + tokens))
    }

    /// A string.
    func string(_ keyword: String, _ value: JSONValue) -> String? {
        if let text = value.stringValue { return text }
        report(keyword, "'\(keyword)' must be a string, found \(value.phrase)")
        return nil
    }

    /// A number.
    func number(_ keyword: String, _ value: JSONValue) -> JSONNumber? {
        if let number = value.numberValue { return number }
        report(keyword, "'\(keyword)' must be a number, found \(value.phrase)")
        return nil
    }

    /// A whole number from 0 up; one too large for an Int is the largest Int.
    func count(_ keyword: String, _ value: JSONValue) -> Int? {
        if let number = value.numberValue, number.isInteger, number >= JSONNumber(0) { return number.int ?? Int.max }
        report(keyword, "'\(keyword)' must be a whole number from 0 up, found \(value.phrase)")
        return nil
    }

    /// A list of strings.
    func names(_ keyword: String, _ value: JSONValue) -> [String] {
        guard let items = value.arrayValue, items.allSatisfy({ $0.stringValue != nil }) else {
            report(keyword, "'\(keyword)' must list strings, found \(value.phrase)")
            return []
        }
        return items.compactMap(\.stringValue)
    }

    /// A type's name or a list of them.
    func types(_ value: JSONValue) -> TypeSet? {
        let items = value.arrayValue ?? [value]
        var types: TypeSet = []
        for item in items {
            guard let name = item.stringValue else {
                report("type", "'type' must be a type's name or a list of them, found \(value.phrase)")
                return nil
            }
            guard let type = TypeSet(named: name) else {
                build.report(
                    location, "type", "unknown type '\(name.prefix(80))'", subject: name,
                    candidates: TypeSet.all.names + ["integer"])
                return nil
            }
            types.formUnion(type)
        }
        return types
    }

    /// A regular expression.
    func pattern(_ keyword: String, _ source: String) -> Pattern? {
        switch build.pattern(source) {
        case .success(let pattern): return pattern
        case .failure(let error):
            report(keyword, "'\(source.prefix(200))' is no regular expression: \(error)")
            return nil
        }
    }

    /// A schema.
    func child(_ keyword: String) -> SchemaNode.ID { build.id(of: place(keyword)) }

    /// A list of schemas.
    func schemas(_ keyword: String, _ value: JSONValue) -> [SchemaNode.ID] {
        guard let items = value.arrayValue else {
            report(keyword, "'\(keyword)' must be an array of schemas, found \(value.phrase)")
            return []
        }
        return items.indices.map { build.id(of: place(keyword, String($0))) }
    }

    /// Schemas by name.
    func schemaMap(_ keyword: String, _ value: JSONValue) -> [(key: String, location: SchemaIndex.Location)]? {
        guard let map = value.objectValue else {
            report(keyword, "'\(keyword)' must be an object of schemas, found \(value.phrase)")
            return nil
        }
        return map.members.map { ($0.key, place(keyword, $0.key)) }
    }
}

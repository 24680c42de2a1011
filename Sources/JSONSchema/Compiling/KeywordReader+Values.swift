import JSON

/// The kinds of values that keywords have, each reported where it is not as it must be.
extension KeywordReader {
    /// Reports a mistake in a keyword's value.
    func report(_ keyword: String, _ message: String) {
        build.report(location, keyword, message)
    }

    /// Reports a mistake in one item of a keyword's value.
    func report(_ keyword: String, item: Int, _ message: String, subject: String? = nil, candidates: [String] = []) {
        build.report(place(keyword), String(item), message, subject: subject, candidates: candidates)
    }

    /// Whether a value is of the kind that a keyword's must be; reported where it isn't and unknown keywords are mistakes.
    @discardableResult
    func expect(_ isRight: Bool, _ keyword: String, _ kind: String, _ value: JSONValue) -> Bool {
        if build.options.isStrict, !isRight { report(keyword, "'\(keyword)' must be \(kind), found \(value.phrase)") }
        return isRight
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
        guard let items = value.arrayValue else {
            report(keyword, "'\(keyword)' must list strings, found \(value.phrase)")
            return []
        }
        var known: Set<JSONKey> = []
        for (index, item) in items.enumerated() {
            guard let name = item.stringValue else {
                report(keyword, item: index, "'\(keyword)' must list strings, found \(item.phrase)")
                continue
            }
            if !known.insert(JSONKey(name)).inserted, build.options.isStrict {
                report(keyword, item: index, "'\(keyword)' lists '\(name.prefix(80))' twice")
            }
        }
        return items.compactMap(\.stringValue)
    }

    /// A type's name or a list of them.
    func types(_ value: JSONValue) -> TypeSet? {
        guard let items = value.arrayValue else { return type(value) }
        if items.isEmpty, build.options.isStrict { report("type", "'type' must not be empty") }
        var types: TypeSet? = []
        for (index, item) in items.enumerated() {
            guard let type = type(item, index) else {
                types = nil
                continue
            }
            types?.formUnion(type)
        }
        return types
    }

    private func type(_ value: JSONValue, _ index: Int? = nil) -> TypeSet? {
        func report(_ message: String, subject: String? = nil, candidates: [String] = []) {
            let (at, keyword) = index.map { (self.place("type"), String($0)) } ?? (location, "type")
            build.report(at, keyword, message, subject: subject, candidates: candidates)
        }
        guard let name = value.stringValue else {
            report("'type' must be a type's name or a list of them, found \(value.phrase)")
            return nil
        }
        if let type = TypeSet(named: name) { return type }
        let others = ["int": "integer", "bool": "boolean", "str": "string", "float": "number", "dict": "object"]
        if let usual = others[name.lowercased()] {
            report("unknown type '\(name)'; JSON Schema's name of it is '\(usual)'")
        } else {
            report("unknown type '\(name.prefix(80))'", subject: name, candidates: TypeSet.all.names + ["integer"])
        }
        return nil
    }

    /// A regular expression.
    func pattern(_ keyword: String, _ source: String) -> Pattern? {
        switch build.pattern(source) {
        case .success(let pattern): return pattern
        case .failure(let error):
            let message = "'\(source.prefix(200))' is no regular expression: \(error)"
            if keyword == "patternProperties" {
                build.report(place(keyword), source, message, isAboutKey: true)
            } else {
                report(keyword, message)
            }
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
        if items.isEmpty, keyword != "items", build.options.isStrict {
            report(keyword, "'\(keyword)' must not be empty")
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

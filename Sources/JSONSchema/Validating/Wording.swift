import JSON

extension JSONValue {
    /// A short text for messages: the type and, for scalars, the value.
    var found: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return "boolean \(value)"
        case .number(let number): return "\(typeName) \(number.text.cut(40))"
        case .string(let text): return "string \(JSONWriter.quoted(text.cut(60)))"
        case .array(let items): return items.isEmpty ? "an empty array" : "an array"
        case .object(let object): return object.isEmpty ? "an empty object" : "an object"
        }
    }

    /// The same without the value.
    var foundKind: String {
        switch self {
        case .array, .object, .null: found
        default: phrase
        }
    }

    /// The value as it stands in JSON, shortened.
    var shown: String {
        switch self {
        case .string(let text): JSONWriter.quoted(text.cut(60))
        case .number(let number): number.text.cut(40)
        case .array, .object: description.cut(60)
        default: description
        }
    }
}

extension String {
    /// The text, cut after so many characters.
    func cut(_ limit: Int) -> String {
        // Bytes are counted first, since that takes no time.
        if utf8.count <= limit || unicodeScalars.count <= limit { return self }
        return String(String.UnicodeScalarView(unicodeScalars.prefix(limit))) + "…"
    }
}

/// `'a'`, `'a' and 'b'`, `'a', 'b' or 'c'`: names for a message, at most 20 of them.
func listed(_ names: [String], _ conjunction: String = "and", quote: String = "'") -> String {
    let shown = names.prefix(20).map { quote + $0.cut(60) + quote }
    if names.count > 20 { return shown.joined(separator: ", ") + " and \(names.count - 20) more" }
    guard shown.count > 1, let last = shown.last else { return shown.first ?? "" }
    return shown.dropLast().joined(separator: ", ") + " \(conjunction) \(last)"
}

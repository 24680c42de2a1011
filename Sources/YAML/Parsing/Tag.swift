import JSON

/// The tags of YAML's core schema (YAML 1.2.2, chapter 10).
enum Tag {
    private static let prefix = "tag:yaml.org,2002:"

    /// The tag as people write it: `!!str`.
    static func shown(_ tag: String) -> String {
        tag.hasPrefix(prefix) ? "!!" + tag.dropFirst(prefix.count) : tag
    }

    /// Whether a collection may have the tag.
    static func fits(_ tag: String, isMapping: Bool) -> Bool {
        tag == "!" || tag == (isMapping ? "tag:yaml.org,2002:map" : "tag:yaml.org,2002:seq")
    }

    /// Whether the tag is a scalar's.
    static func isKnown(_ tag: String) -> Bool {
        tag.hasPrefix(prefix) && ["str", "int", "float", "bool", "null"].contains(tag.dropFirst(prefix.count))
    }

    /// The value of a scalar with the tag; nil where the text does not fit or the tag is unknown.
    static func value(_ tag: String, _ text: String) -> JSONValue? {
        if tag == "!" || tag == "tag:yaml.org,2002:str" { return .string(text) }
        guard tag.hasPrefix(prefix) else { return nil }
        let value = ScalarResolution.resolve(text)
        switch (tag.dropFirst(prefix.count), value) {
        case ("int", .number(let number)) where number.isInteger: return value
        case ("float", .number), ("bool", .bool), ("null", .null): return value
        default: return nil
        }
    }
}

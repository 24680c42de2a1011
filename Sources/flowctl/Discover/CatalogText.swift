import JSON

/// Values as a catalog's author would write them: mappings in block form down to a depth, the rest on one line.
enum CatalogText {
    /// A value on one line.
    static func inline(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): scalar(text)
        case .array(let items): "[" + items.map(inline).joined(separator: ", ") + "]"
        case .object(let object) where object.isEmpty: "{}"
        case .object(let object):
            "{ " + object.members.map { "\(scalar($0.key)): \(inline($0.value))" }.joined(separator: ", ") + " }"
        default: JSONWriter.write(value)
        }
    }

    /// The lines of a mapping's members. Objects in at most `depth` levels below are written in block form.
    static func lines(_ object: JSONObject, depth: Int) -> [String] {
        object.members.flatMap { member -> [String] in
            guard depth > 0, case .object(let inner) = member.value, !inner.isEmpty else {
                return ["\(scalar(member.key)): \(inline(member.value))"]
            }
            return ["\(scalar(member.key)):"] + indent(lines(inner, depth: depth - 1))
        }
    }

    /// Two more spaces before each line, or as many as given.
    static func indent(_ lines: [String], by spaces: Int = 2) -> [String] {
        lines.map { String(repeating: " ", count: spaces) + $0 }
    }

    /// Plain where every YAML reader takes it for that string, else in quotes.
    static func scalar(_ text: String) -> String {
        guard let first = text.utf8.first, isLetter(first) || first == UInt8(ascii: "/") else {
            return JSONWriter.quoted(text)
        }
        let isPlain = text.utf8.allSatisfy { byte in
            isLetter(byte) || (0x30...0x39).contains(byte) || "/-.".utf8.contains(byte)
        }
        return isPlain && !words.contains(text.lowercased()) ? text : JSONWriter.quoted(text)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
    }

    /// What one or the other version of YAML reads as something else.
    private static let words: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
}

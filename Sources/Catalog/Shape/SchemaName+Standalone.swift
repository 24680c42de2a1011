import JSON

extension SchemaName {
    /// The document as a file that needs no other beside it: the schemas of the folder that it refers to are among its `$defs`.
    public var standalone: String {
        guard self == .catalog, let document = try? JSONValue(parsing: bytes), var root = document.objectValue else {
            return text
        }
        var definitions = root["$defs"]?.objectValue ?? JSONObject()
        for name in Self.allCases where name != .catalog {
            guard var schema = (try? JSONValue(parsing: name.bytes))?.objectValue else { continue }
            schema["$schema"] = nil
            definitions[name.rawValue] = Self.moved(.object(schema), to: "#/$defs/" + name.rawValue)
        }
        root["$defs"] = .object(definitions)
        return JSONWriter.write(Self.moved(.object(root), to: "#"), .pretty) + "\n"
    }

    /// The name of the file in the folder `schemas`.
    var fileName: String { rawValue + ".schema.json" }

    /// A schema whose references within its document lead to where that document's root now is.
    private static func moved(_ schema: JSONValue, to root: String) -> JSONValue {
        switch schema {
        case .array(let items): return .array(items.map { moved($0, to: root) })
        case .object(let object):
            return .object(
                JSONObject(
                    unique: object.members.map { member in
                        if member.key == "$ref", let text = member.value.stringValue {
                            return .init(key: member.key, value: .string(reference(text, to: root)))
                        }
                        return .init(key: member.key, value: moved(member.value, to: root))
                    }))
        default: return schema
        }
    }

    private static func reference(_ text: String, to root: String) -> String {
        if text.hasPrefix("#") { return root + text.dropFirst() }
        for name in allCases where text.hasPrefix(name.fileName) {
            return "#/$defs/" + name.rawValue + text.dropFirst(name.fileName.count).drop { $0 == "#" }
        }
        return text
    }
}

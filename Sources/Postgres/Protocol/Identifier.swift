/// The name of a database object as the catalog holds it: case is significant, and it is quoted wherever it is printed.
public struct Identifier: Hashable, Sendable, CustomStringConvertible {
    public let name: String

    public init(_ name: String) {
        self.name = name
    }

    /// In double quotes, quotes within doubled (manual, "Identifiers and Key Words").
    public var quoted: String {
        var text = "\""
        for scalar in name.unicodeScalars {
            if scalar == "\"" { text.unicodeScalars.append(scalar) }
            text.unicodeScalars.append(scalar)
        }
        return text + "\""
    }

    public var description: String { quoted }

    /// The same bytes, as the server compares names: Swift's own equality of texts joins `é` and `e` with an accent.
    public static func == (left: Identifier, right: Identifier) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var text = name
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// A name with its schema.
public struct QualifiedName: Hashable, Sendable, CustomStringConvertible {
    public let schema: Identifier
    public let name: Identifier

    public init(_ schema: String, _ name: String) {
        self.schema = Identifier(schema)
        self.name = Identifier(name)
    }

    public var quoted: String { "\(schema.quoted).\(name.quoted)" }

    public var description: String { quoted }
}

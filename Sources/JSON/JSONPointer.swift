/// A path to a value inside a JSON document (RFC 6901).
public struct JSONPointer: Sendable, Hashable {
    /// The member names and array indices, unescaped; empty for the whole document.
    public private(set) var tokens: [String]

    /// The whole document.
    public static let root = JSONPointer([])

    /// A pointer from unescaped tokens.
    public init(_ tokens: [String]) {
        self.tokens = tokens
    }

    /// Reads a pointer's text; nil where a `/` at its start or a `0` or `1` after a `~` is missing.
    public init?(parsing text: String) {
        guard !text.isEmpty else {
            self = .root
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        var tokens: [String] = []
        for part in text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let token = Self.unescape(part) else { return nil }
            tokens.append(token)
        }
        self.tokens = tokens
    }

    /// Whether this is the whole document.
    public var isRoot: Bool { tokens.isEmpty }
    /// The pointer of the value that holds this one; nil for the whole document.
    public var parent: JSONPointer? { isRoot ? nil : JSONPointer(tokens.dropLast()) }

    /// The pointer of a member.
    public func appending(_ key: String) -> JSONPointer { JSONPointer(tokens + [key]) }
    /// The pointer of an item.
    public func appending(_ index: Int) -> JSONPointer { JSONPointer(tokens + [String(index)]) }
    /// This pointer followed by another.
    public func appending(_ other: JSONPointer) -> JSONPointer { JSONPointer(tokens + other.tokens) }

    /// Goes down to a member; for walks that keep one pointer.
    public mutating func push(_ key: String) { tokens.append(key) }
    /// Goes up again.
    public mutating func pop() { _ = tokens.popLast() }

    /// Whether this pointer is the other or leads through it.
    public func starts(with other: JSONPointer) -> Bool { tokens.starts(with: other.tokens) }

    /// The value in a document; nil where there is none.
    public func find(in document: JSONValue) -> JSONValue? {
        var value = document
        for token in tokens {
            switch value {
            case .object(let object):
                guard let member = object[token] else { return nil }
                value = member
            case .array(let items):
                guard let index = Self.arrayIndex(token), index < items.count else { return nil }
                value = items[index]
            default: return nil
            }
        }
        return value
    }

    /// A token as an array index: digits without a leading zero (section 4); nil otherwise.
    public static func arrayIndex(_ token: String) -> Int? {
        guard token.utf8.allSatisfy(JSONGrammar.isDigit), token == "0" || token.utf8.first != UInt8(ascii: "0") else {
            return nil
        }
        return Int(token)
    }

    /// A token with `~` and `/` escaped.
    public static func escape(_ token: String) -> String {
        guard token.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return token }
        var result = ""
        for scalar in token.unicodeScalars {
            switch scalar {
            case "~": result += "~0"
            case "/": result += "~1"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func unescape(_ part: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var isEscape = false
        for byte in part {
            switch (isEscape, byte) {
            case (true, UInt8(ascii: "0")): bytes.append(UInt8(ascii: "~"))
            case (true, UInt8(ascii: "1")): bytes.append(UInt8(ascii: "/"))
            case (true, _): return nil
            case (false, UInt8(ascii: "~")): break
            case (false, _): bytes.append(byte)
            }
            isEscape = !isEscape && byte == UInt8(ascii: "~")
        }
        return isEscape ? nil : String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONPointer: CustomStringConvertible {
    /// The pointer's text; empty for the whole document.
    public var description: String { tokens.map { "/" + Self.escape($0) }.joined() }
}

/// Reads JSON text (RFC 8259), strictly: no comments, no trailing commas, one value and nothing after it.
///
/// A byte order mark at the start is skipped. Nesting is capped, so no text can exhaust the stack.
public struct JSONParser<Builder: JSONTreeBuilder> {
    private let bytes: [UInt8]
    private var at: Int
    private var builder: Builder
    private let depthLimit: Int
    private var valuesLeft: Int

    private init(_ bytes: [UInt8], builder: Builder, depthLimit: Int, valueLimit: Int) {
        self.bytes = bytes
        self.builder = builder
        self.depthLimit = depthLimit
        self.valuesLeft = valueLimit
        self.at = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Parses a whole text with a builder of one's own, which keeps what it gathered even where this throws.
    /// At most `valueLimit` values, and as many levels of arrays and objects as `depthLimit` says, are allowed.
    public static func parse(
        _ bytes: [UInt8], with builder: inout Builder, depthLimit: Int = 512, valueLimit: Int = .max
    ) throws(JSONSyntaxError) -> Builder.Tree {
        if let offset = UTF8Check.firstFault(in: bytes) {
            throw JSONSyntaxError("the text is not UTF-8", kind: .encoding, offset: offset, in: bytes)
        }
        var parser = JSONParser(bytes, builder: builder, depthLimit: depthLimit, valueLimit: valueLimit)
        defer { builder = parser.builder }
        parser.skipSpace()
        if parser.at == bytes.count { throw parser.fault("the text is empty; a JSON value was expected") }
        let tree = try parser.value(depth: 0)
        parser.skipSpace()
        if parser.at < bytes.count { throw parser.fault("unexpected \(parser.found) after the JSON value") }
        return tree
    }

    private mutating func value(depth: Int) throws(JSONSyntaxError) -> Builder.Tree {
        let start = at
        valuesLeft -= 1
        if valuesLeft < 0 { throw fault("the text has too many values", kind: .size) }
        switch peek() {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return builder.scalar(.string(try string()), start..<at)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let number = try number()
            return builder.scalar(.number(number), start..<at)
        default:
            let word = word()
            at += word.count
            switch word {
            case "true": return builder.scalar(true, start..<at)
            case "false": return builder.scalar(false, start..<at)
            case "null": return builder.scalar(.null, start..<at)
            default:
                at = start
                if word.isEmpty { throw fault("expected a JSON value, found \(found)") }
                throw fault("expected a JSON value, found '\(word.prefix(40))'", length: word.utf8.count)
            }
        }
    }

    private mutating func object(depth: Int) throws(JSONSyntaxError) -> Builder.Tree {
        let start = at
        try open(depth)
        var members: [(key: String, keyRange: Range<Int>, value: Builder.Tree)] = []
        while true {
            if members.isEmpty && peek() == UInt8(ascii: "}") { break }
            guard peek() == UInt8(ascii: "\"") else {
                throw fault("expected a member name in double quotes, found \(found)")
            }
            let keyStart = at
            let key = try string()
            let keyRange = keyStart..<at
            skipSpace()
            guard peek() == UInt8(ascii: ":") else { throw fault("expected ':' after a member name, found \(found)") }
            at += 1
            skipSpace()
            members.append((key, keyRange, try value(depth: depth + 1)))
            skipSpace()
            if peek() == UInt8(ascii: "}") { break }
            guard peek() == UInt8(ascii: ",") else {
                throw fault("expected ',' or '}' after a member, found \(found)")
            }
            at += 1
            skipSpace()
            if peek() == UInt8(ascii: "}") { throw fault("unexpected '}' after ','") }
        }
        at += 1
        return builder.object(members, start..<at)
    }

    private mutating func array(depth: Int) throws(JSONSyntaxError) -> Builder.Tree {
        let start = at
        try open(depth)
        var items: [Builder.Tree] = []
        while true {
            if items.isEmpty && peek() == UInt8(ascii: "]") { break }
            if !items.isEmpty && peek() == UInt8(ascii: "]") { throw fault("unexpected ']' after ','") }
            items.append(try value(depth: depth + 1))
            skipSpace()
            if peek() == UInt8(ascii: "]") { break }
            guard peek() == UInt8(ascii: ",") else { throw fault("expected ',' or ']' after an item, found \(found)") }
            at += 1
            skipSpace()
        }
        at += 1
        return builder.array(items, start..<at)
    }

    private mutating func open(_ depth: Int) throws(JSONSyntaxError) {
        if depth >= depthLimit { throw fault("nested more than \(depthLimit) levels deep", kind: .depth) }
        at += 1
        skipSpace()
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONNumber {
        guard let end = JSONGrammar.numberEnd(bytes[at...]) else {
            let text = token()
            throw fault("'\(text)' is not a JSON number", length: text.utf8.count)
        }
        if end < bytes.count, JSONGrammar.isDigit(bytes[end]) || bytes[end] == UInt8(ascii: ".") {
            let text = token()
            throw fault("'\(text)' is not a JSON number", length: text.utf8.count)
        }
        let text = String(decoding: bytes[at..<end], as: UTF8.self)
        at = end
        return JSONNumber(valid: text)
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        let start = at
        at += 1
        var run = at
        var text = ""
        while true {
            switch peek() {
            case UInt8(ascii: "\""):
                text += String(decoding: bytes[run..<at], as: UTF8.self)
                at += 1
                return text
            case UInt8(ascii: "\\"):
                text += String(decoding: bytes[run..<at], as: UTF8.self)
                text.unicodeScalars.append(try escape())
                run = at
            case 0..<0x20:
                if at >= bytes.count {
                    at = start
                    throw fault("the string that starts here has no closing '\"'")
                }
                throw fault("a string may not hold \(found); write it as an escape")
            default: at += 1
            }
        }
    }

    private mutating func escape() throws(JSONSyntaxError) -> Unicode.Scalar {
        let start = at
        at += 1
        let byte = peek()
        at += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let unit = hexUnit() else {
                at = start
                throw fault("'\\u' needs four hexadecimal digits", length: 2)
            }
            if let scalar = Unicode.Scalar(unit) { return scalar }
            let next = at
            if unit < 0xDC00, peek() == UInt8(ascii: "\\") {
                at += 1
                if peek() == UInt8(ascii: "u") {
                    at += 1
                    if let low = hexUnit(), (0xDC00...0xDFFF).contains(low),
                        let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + UInt32(low) - 0xDC00)
                    {
                        return scalar
                    }
                }
                at = next
            }
            at = start
            throw fault("a lone surrogate is no character", length: 6)
        default:
            at = start
            throw fault("unknown escape in a string", length: 2)
        }
    }

    private mutating func hexUnit() -> UInt16? {
        guard at + 4 <= bytes.count else { return nil }
        var value: UInt16 = 0
        for byte in bytes[at..<at + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else { return nil }
            value = value << 4 | UInt16(digit)
        }
        at += 4
        return value
    }

    private func peek() -> UInt8 { at < bytes.count ? bytes[at] : 0 }

    private mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            default: return
            }
        }
    }

    /// The letters at this place.
    private func word() -> String {
        let letters = bytes[at...].prefix(64).prefix { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }
        return String(decoding: letters, as: UTF8.self)
    }

    /// What looks like one number at this place, for a message.
    private func token() -> String {
        let part = bytes[at...].prefix(40).prefix {
            JSONGrammar.isDigit($0) || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 == UInt8(ascii: ".")
                || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
        }
        return String(decoding: part, as: UTF8.self)
    }

    /// The character at this place, for a message.
    private var found: String {
        guard at < bytes.count else { return "the end of the text" }
        guard let scalar = String(decoding: bytes[at...].prefix(4), as: UTF8.self).unicodeScalars.first else {
            return "nothing"
        }
        if scalar == "\n" || scalar == "\r" { return "a line break" }
        if scalar == "\t" { return "a tab" }
        if scalar.value < 0x20 || scalar.value == 0x7F { return "the control character \(scalar.value)" }
        return "'\(scalar)'"
    }

    private func fault(
        _ message: String, kind: JSONSyntaxError.Kind = .grammar, length: Int = 1
    ) -> JSONSyntaxError {
        JSONSyntaxError(message, kind: kind, offset: at, length: length, in: bytes)
    }
}

extension JSONValue {
    /// Parses a whole JSON text from UTF-8. Of a repeated member name the last value stays.
    public init(parsing bytes: [UInt8], depthLimit: Int = 512) throws(JSONSyntaxError) {
        var builder = JSONValueBuilder()
        self = try JSONParser.parse(bytes, with: &builder, depthLimit: depthLimit)
    }

    /// Parses a whole JSON text. Of a repeated member name the last value stays.
    public init(parsing text: String, depthLimit: Int = 512) throws(JSONSyntaxError) {
        try self.init(parsing: Array(text.utf8), depthLimit: depthLimit)
    }
}

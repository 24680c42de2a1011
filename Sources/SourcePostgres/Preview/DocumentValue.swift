import JSON

/// How documents hold `bytea`.
public enum BinaryHandling: String, Sendable {
    /// The default: a JSON string can't hold bytes, so the same as `base64`.
    case bytes
    case base64
    case base64URLSafe = "base64-url-safe"
    case hex

    /// As JSON Schema names it.
    var contentEncoding: JSONValue {
        switch self {
        case .bytes, .base64: "base64"
        case .base64URLSafe: "base64url"
        case .hex: "base16"
        }
    }
}

/// Values of the source as a document's, by the type table of discovery (`ColumnSchema`): what this gives is valid by the schema
/// that discovery writes.
struct DocumentValue {
    let types: TypeTable
    let binary: BinaryHandling

    /// `text` is the value as the server prints it; `isKey`: of a column of the collection's key.
    func value(_ text: String, type oid: UInt32, isKey: Bool = false) -> JSONValue {
        guard let (_, entry, _) = types.undomained(oid, -1) else { return .string(text) }
        if entry.isArray { return array(text, entry) }
        switch entry.kind {
        case "r", "m":
            let isTemporal = ["tsrange", "tstzrange", "tsmultirange", "tstzmultirange"].contains(entry.name)
            return .string(isTemporal && entry.schema == "pg_catalog" ? DocumentTime.range(text) : text)
        case "e", "c": return .string(text)
        default: return entry.schema == "pg_catalog" ? builtIn(text, entry.name, isKey) : .string(text)
        }
    }

    private func builtIn(_ text: String, _ name: String, _ isKey: Bool) -> JSONValue {
        switch name {
        case "bool": return .bool(text == "t")
        case "int2", "int4", "int8", "oid": return number(text)
        // NaN and the infinities are no numbers of JSON.
        case "float4", "float8": return isKey ? .string(text) : number(text)
        case "numeric": return .string(isKey && isZero(text) ? "0" : text)
        case "bytea": return .string(DocumentValue.bytes(text, binary))
        case "json", "jsonb": return DocumentValue.json(text)
        case "date": return .string(DocumentTime.date(text))
        case "timestamp", "timestamptz": return .string(DocumentTime.dateTime(text))
        case "time": return .string(DocumentTime.time(text))
        case "timetz": return .string(DocumentTime.timeWithZone(text))
        case "inet": return .string(text.contains("/") ? text : text + (text.contains(":") ? "/128" : "/32"))
        default: return .string(text)
        }
    }

    private func array(_ text: String, _ entry: TypeTable.Entry) -> JSONValue {
        // These two print without braces.
        let isVector = entry.schema == "pg_catalog" && ["int2vector", "oidvector"].contains(entry.name)
        let isBoxes = entry.schema == "pg_catalog" && entry.name == "_box"
        let elements =
            isVector
            ? text.split(separator: " ").map { Optional(String($0)) }
            : ArrayElements.parse(text, delimiter: isBoxes ? UInt8(ascii: ";") : UInt8(ascii: ","))
        guard let elements else { return .string(text) }
        return .array(elements.map { $0.map { value($0, type: entry.element) } ?? .null })
    }

    private func number(_ text: String) -> JSONValue { (try? JSONValue(parsing: text)) ?? .string(text) }

    private func isZero(_ text: String) -> Bool { text.utf8.allSatisfy { [0x2D, 0x2E, 0x30].contains($0) } }

    /// A JSON value as it is; halves of surrogate pairs, which are no characters, become U+FFFD. What still is no JSON to us
    /// (nested too deeply) stays text.
    static func json(_ text: String) -> JSONValue {
        if let value = try? JSONValue(parsing: text) { return value }
        return (try? JSONValue(parsing: withoutLoneSurrogates(text))) ?? .string(text)
    }

    private static func withoutLoneSurrogates(_ text: String) -> String {
        var bytes = Array(text.utf8)
        func unit(at place: Int) -> UInt16? {
            guard place + 6 <= bytes.count, bytes[place] == 0x5C, bytes[place + 1] == UInt8(ascii: "u") else {
                return nil
            }
            return UInt16(String(decoding: bytes[(place + 2)..<(place + 6)], as: UTF8.self), radix: 16)
        }
        var at = 0
        while at < bytes.count {
            guard bytes[at] == 0x5C else {
                at += 1
                continue
            }
            guard let first = unit(at: at) else {
                at += 2
                continue
            }
            let isPair =
                (0xD800..<0xDC00).contains(first) && unit(at: at + 6).map { (0xDC00..<0xE000).contains($0) } == true
            if !isPair, (0xD800..<0xE000).contains(first) {
                bytes.replaceSubrange((at + 2)..<(at + 6), with: "fffd".utf8)
            }
            at += isPair ? 12 : 6
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// From `\x…` to the form that is wanted.
    static func bytes(_ text: String, _ handling: BinaryHandling) -> String {
        let digits = Array(text.utf8.dropFirst(2))
        if handling == .hex { return String(decoding: digits, as: UTF8.self) }
        func nibble(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit &- 0x30 : (digit | 0x20) &- 0x57 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for place in stride(from: 0, to: digits.count - 1, by: 2) {
            bytes.append(nibble(digits[place]) << 4 | nibble(digits[place + 1]))
        }
        return base64(bytes, isURLSafe: handling == .base64URLSafe)
    }

    /// RFC 4648, padded; with the alphabet for URLs and file names where asked for.
    private static func base64(_ bytes: [UInt8], isURLSafe: Bool) -> String {
        let letters = Array(
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + (isURLSafe ? "-_" : "+/")).utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for place in 0..<3 { group = group << 8 | (place < count ? UInt32(bytes[start + place]) : 0) }
            for place in 0..<4 {
                text.append(
                    place <= count ? letters[Int(group >> (18 - 6 * UInt32(place))) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

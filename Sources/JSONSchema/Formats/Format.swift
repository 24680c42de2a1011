import JSON

/// The formats that can be asserted: those of draft 2020-12 that catalogs meet, and Flow's own.
///
/// An unknown format allows everything.
public enum Format {
    /// Whether a text has a format.
    public static func allows(_ text: String, _ format: String) -> Bool {
        guard let rule = rules[format] else { return true }
        return rule.allows(text)
    }

    /// Whether a format is one that can be asserted.
    public static func isKnown(_ format: String) -> Bool { rules[format] != nil }

    /// The names of the formats that can be asserted, sorted.
    public static let names: [String] = rules.keys.sorted()

    /// The format with its article, for messages: `a date`.
    static func phrase(_ format: String) -> String { rules[format]?.phrase ?? "of the format '\(format)'" }

    private struct Rule: Sendable {
        let phrase: String
        let allows: @Sendable (String) -> Bool
    }

    private static let rules: [String: Rule] = [
        "date": Rule(phrase: "a date such as 2026-01-31") { TimeFormat.isDate(Array($0.utf8)) },
        "time": Rule(phrase: "a time such as 23:59:59Z") { TimeFormat.isTime(Array($0.utf8)) },
        "date-time": Rule(phrase: "a time stamp such as 2026-01-31T23:59:59Z") {
            TimeFormat.isDateTime(Array($0.utf8))
        },
        "duration": Rule(phrase: "an ISO 8601 duration such as P1DT2H") { TimeFormat.isDuration(Array($0.utf8)) },
        "email": Rule(phrase: "an email address") { NetworkFormat.isEmail($0, allowsUnicode: false) },
        "idn-email": Rule(phrase: "an email address") { NetworkFormat.isEmail($0, allowsUnicode: true) },
        "hostname": Rule(phrase: "a host name") { NetworkFormat.isHostName($0, allowsUnicode: false) },
        "idn-hostname": Rule(phrase: "a host name") { NetworkFormat.isHostName($0, allowsUnicode: true) },
        "ipv4": Rule(phrase: "an IPv4 address") { NetworkFormat.isIPv4(Array($0.utf8)) },
        "ipv6": Rule(phrase: "an IPv6 address") { NetworkFormat.isIPv6(Array($0.utf8)) },
        "macaddr": Rule(phrase: "a MAC address") { NetworkFormat.isMAC($0, bytes: 6) },
        "macaddr8": Rule(phrase: "an EUI-64 MAC address") {
            NetworkFormat.isMAC($0, bytes: 8) || NetworkFormat.isMAC($0, bytes: 6)
        },
        "uri": Rule(phrase: "a URI") { URIFormat.isURI($0, needsScheme: true, allowsUnicode: false) },
        "uri-reference": Rule(phrase: "a URI or relative reference") {
            URIFormat.isURI($0, needsScheme: false, allowsUnicode: false)
        },
        "iri": Rule(phrase: "an IRI") { URIFormat.isURI($0, needsScheme: true, allowsUnicode: true) },
        "iri-reference": Rule(phrase: "an IRI or relative reference") {
            URIFormat.isURI($0, needsScheme: false, allowsUnicode: true)
        },
        "uuid": Rule(phrase: "a UUID") { isUUID(Array($0.utf8)) },
        "regex": Rule(phrase: "a regular expression") { (try? Pattern($0)) != nil },
        "json-pointer": Rule(phrase: "a JSON pointer such as /a/b") { JSONPointer(parsing: $0) != nil },
        "relative-json-pointer": Rule(phrase: "a relative JSON pointer") { isRelativePointer($0) },
        "integer": Rule(phrase: "a whole number") { NumberFormat.isInteger(Array($0.utf8)) },
        "number": Rule(phrase: "a number") { NumberFormat.isNumber($0) },
        "int32": Rule(phrase: "a 32-bit integer") { Int32($0) != nil },
        "int64": Rule(phrase: "a 64-bit integer") { Int64($0) != nil },
        "uint32": Rule(phrase: "an unsigned 32-bit integer") { UInt32($0) != nil },
        "uint64": Rule(phrase: "an unsigned 64-bit integer") { UInt64($0) != nil },
        "sops": Rule(phrase: "a value encrypted by sops") { _ in true },
    ]

    private static func isUUID(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 36 else { return false }
        return bytes.enumerated().allSatisfy { place, byte in
            [8, 13, 18, 23].contains(place) ? byte == UInt8(ascii: "-") : byte.isHexDigit
        }
    }

    private static func isRelativePointer(_ text: String) -> Bool {
        let digits = text.utf8.prefix { $0.isDigit }
        guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0") else { return false }
        let rest = String(Substring(text.utf8.dropFirst(digits.count)))
        return rest == "#" || JSONPointer(parsing: rest) != nil
    }
}

extension UInt8 {
    /// An ASCII digit.
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
    /// An ASCII letter.
    var isLetter: Bool { (self | 0x20) >= UInt8(ascii: "a") && (self | 0x20) <= UInt8(ascii: "z") }
    /// An ASCII hexadecimal digit.
    var isHexDigit: Bool { isDigit || ((self | 0x20) >= UInt8(ascii: "a") && (self | 0x20) <= UInt8(ascii: "f")) }
}

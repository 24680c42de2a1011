import JSON

/// What a plain scalar means by YAML 1.2's core schema (YAML 1.2.2, section 10.3.2).
///
/// `no`, `on`, `1_000` and `0777` with a leading `0o` missing are not special: the first three are strings, the last
/// is the decimal number.
enum ScalarResolution {
    /// The value of a plain scalar; nil for a number that JSON has no form for.
    static func resolve(_ text: String) -> JSONValue? {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default: break
        }
        guard let first = text.utf8.first, startsNumber(first) else { return .string(text) }
        if let number = number(text) { return .number(number) }
        return isNonFinite(text) ? nil : .string(text)
    }

    private static func startsNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    /// `.inf`, `.nan` and their spellings.
    private static func isNonFinite(_ text: String) -> Bool {
        var body = text[...]
        if let sign = body.first, sign == "+" || sign == "-" { body = body.dropFirst() }
        if [".inf", ".Inf", ".INF"].contains(body) { return true }
        return [".nan", ".NaN", ".NAN"].contains(text)
    }

    /// The number that a text is by the core schema, written as JSON writes it.
    static func number(_ text: String) -> JSONNumber? {
        if let number = JSONNumber(text) { return number }
        let bytes = Array(text.utf8)
        if bytes.starts(with: "0x".utf8) { return integer(bytes.dropFirst(2), radix: 16) }
        if bytes.starts(with: "0o".utf8) { return integer(bytes.dropFirst(2), radix: 8) }
        var rest = bytes[...]
        var json = ""
        if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            if sign == UInt8(ascii: "-") { json = "-" }
            rest = rest.dropFirst()
        }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        let digits = whole.drop { $0 == UInt8(ascii: "0") }
        json += digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self)
        if !fraction.isEmpty { json += "." + String(decoding: fraction, as: UTF8.self) }
        return JSONNumber(json + String(decoding: rest, as: UTF8.self))
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    /// Digits after `0x` or `0o`, at most 256 bits of them, in decimal.
    private static func integer(_ digits: ArraySlice<UInt8>, radix: Int) -> JSONNumber? {
        guard !digits.isEmpty, digits.count <= 64 else { return nil }
        var decimal: [Int] = [0]
        for byte in digits {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80, digit < radix else {
                return nil
            }
            var carry = digit
            for index in decimal.indices {
                let value = decimal[index] * radix + carry
                decimal[index] = value % 10
                carry = value / 10
            }
            while carry > 0 {
                decimal.append(carry % 10)
                carry /= 10
            }
        }
        return JSONNumber(decimal.reversed().map(String.init).joined())
    }
}

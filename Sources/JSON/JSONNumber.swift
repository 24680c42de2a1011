/// A JSON number kept as its source text; compared by its exact decimal value.
public struct JSONNumber: Sendable {
    /// The number as it was written, in the grammar of RFC 8259.
    public let text: String

    /// A whole number.
    public init(_ value: Int) {
        text = String(value)
    }

    /// A number from its text; nil where RFC 8259 does not allow it.
    public init?(_ text: String) {
        guard JSONGrammar.isNumber(text.utf8) else { return nil }
        self.init(valid: text)
    }

    /// A number from text that the parser has checked.
    init(valid text: String) {
        self.text = text
    }

    /// The value where it is a whole number of no more than 18 digits without a fraction: nearly always.
    private var small: Int64? {
        guard text.utf8.count <= 19 else { return nil }
        var value: Int64 = 0
        var isNegative = false
        var digits = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "-") {
                isNegative = true
            } else if byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") {
                digits += 1
                guard digits <= 18 else { return nil }
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            } else {
                return nil
            }
        }
        return isNegative ? -value : value
    }

    /// The exact decimal value.
    public var decimal: ExactDecimal {
        if let small { return ExactDecimal(small) }
        return ExactDecimal(text)
    }

    /// Whether it has no fraction: `1.0` and `1e3` have none.
    public var isInteger: Bool { small != nil || decimal.exponent >= 0 }

    /// The value as an Int, where it is whole and fits.
    public var int: Int? {
        if let small { return Int(small) }
        return decimal.int
    }

    /// The nearest double; infinite where the number is too large.
    public var double: Double { Double(text) ?? .nan }

    /// Whether this is a whole multiple of `divisor`, exactly; false where the divisor is 0.
    public func isMultiple(of divisor: JSONNumber) -> Bool {
        if let small, let other = divisor.small { return other != 0 && small % other == 0 }
        return decimal.isMultiple(of: divisor.decimal)
    }
}

extension JSONNumber: Hashable, Comparable, CustomStringConvertible {
    /// The same value, however it is written.
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        if let small = left.small, let other = right.small { return small == other }
        return left.decimal == right.decimal
    }

    /// The smaller value.
    public static func < (left: JSONNumber, right: JSONNumber) -> Bool {
        if let small = left.small, let other = right.small { return small < other }
        return left.decimal < right.decimal
    }

    /// Hashes the value.
    public func hash(into hasher: inout Hasher) { hasher.combine(decimal) }

    /// The text as written.
    public var description: String { text }
}

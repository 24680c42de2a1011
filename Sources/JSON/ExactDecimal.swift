/// An exact decimal number: sign, digits and a power of ten, without zeros at either end of the digits.
///
/// No operation writes the power of ten out, so `1e1000000000` costs no more than `1`.
public struct ExactDecimal: Sendable, Hashable {
    /// Below zero. Zero is never negative.
    public let isNegative: Bool
    /// The digits 0...9, most significant first; empty for zero.
    public let digits: [UInt8]
    /// The power of ten that the digits, read as a whole number, are multiplied with; 0 for zero.
    public let exponent: Int

    /// Powers beyond this are cut to it.
    private static let exponentLimit = Int.max / 8

    /// Divisors of more digits than this are refused.
    private static let divisorLimit = 1000

    /// A value from its parts; zeros at either end of the digits are taken off.
    init(isNegative: Bool, digits: ArraySlice<UInt8>, exponent: Int) {
        var exponent = exponent
        var digits = digits
        while let last = digits.last, last == 0 {
            digits.removeLast()
            exponent += 1
        }
        digits = digits.drop { $0 == 0 }
        self.isNegative = isNegative && !digits.isEmpty
        self.digits = Array(digits)
        let limit = Self.exponentLimit
        self.exponent = digits.isEmpty ? 0 : min(max(exponent, -limit), limit)
    }

    /// A whole number.
    public init(_ value: Int64) {
        let digits = String(value.magnitude).utf8.map { $0 - UInt8(ascii: "0") }
        self.init(isNegative: value < 0, digits: digits[...], exponent: 0)
    }

    /// The value of a text in JSON's number grammar; text that is none gives the value of what could be read.
    init(_ text: String) {
        var digits: [UInt8] = []
        var isNegative = false
        var exponent = 0
        var isFraction = false
        var power: (isNegative: Bool, value: Int)?
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"):
                if power != nil { power?.isNegative = true } else { isNegative = true }
            case UInt8(ascii: "."):
                isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                power = (false, 0)
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let digit = byte - UInt8(ascii: "0")
                if let known = power {
                    power?.value = min(known.value * 10 + Int(digit), Self.exponentLimit / 16)
                } else {
                    digits.append(digit)
                    if isFraction { exponent -= 1 }
                }
            default: break
            }
        }
        if let power { exponent += power.isNegative ? -power.value : power.value }
        self.init(isNegative: isNegative, digits: digits[...], exponent: exponent)
    }

    /// Whether the value is 0.
    public var isZero: Bool { digits.isEmpty }

    /// The value as an Int, where it is whole and fits.
    public var int: Int? {
        guard exponent >= 0, digits.count + exponent <= 19 else { return nil }
        var value = 0
        for digit in digits + Array(repeating: 0, count: exponent) {
            let (product, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.subtractingReportingOverflow(Int(digit))
            if over || carry { return nil }
            value = sum
        }
        if isNegative { return value }
        return value == Int.min ? nil : -value
    }

    /// Whether this is a whole multiple of `divisor`; false where the divisor is 0 or has over 1000 digits.
    ///
    /// Powers of ten only take 2s and 5s out of the divisor, so no large number is built.
    public func isMultiple(of divisor: ExactDecimal) -> Bool {
        guard !divisor.isZero, divisor.digits.count <= Self.divisorLimit else { return false }
        if isZero { return true }
        let shift = exponent - divisor.exponent
        // Neither has a zero at its end, so a shortfall of tens can't be made up for.
        guard shift >= 0 else { return false }
        var rest = divisor.digits
        for factor: UInt8 in [2, 5] {
            var times = shift
            while times > 0, let quotient = Self.divide(rest, by: factor) {
                rest = quotient
                times -= 1
            }
        }
        return Self.remainderIsZero(digits, rest)
    }

    /// The quotient of a division without remainder, else nil.
    private static func divide(_ digits: [UInt8], by factor: UInt8) -> [UInt8]? {
        var quotient: [UInt8] = []
        var carry: UInt8 = 0
        for digit in digits {
            let value = carry * 10 + digit
            if !(quotient.isEmpty && value / factor == 0) { quotient.append(value / factor) }
            carry = value % factor
        }
        return carry == 0 ? quotient : nil
    }

    private static func remainderIsZero(_ digits: [UInt8], _ divisor: [UInt8]) -> Bool {
        if divisor.count <= 17 {
            let small = divisor.reduce(UInt64(0)) { $0 * 10 + UInt64($1) }
            return digits.reduce(UInt64(0)) { ($0 * 10 + UInt64($1)) % small } == 0
        }
        var remainder = ArraySlice<UInt8>()
        for digit in digits {
            if !(remainder.isEmpty && digit == 0) { remainder.append(digit) }
            while !isLess(remainder, divisor) { remainder = subtract(remainder, divisor) }
        }
        return remainder.isEmpty
    }

    private static func isLess(_ left: ArraySlice<UInt8>, _ right: [UInt8]) -> Bool {
        left.count != right.count ? left.count < right.count : left.lexicographicallyPrecedes(right)
    }

    private static func subtract(_ left: ArraySlice<UInt8>, _ right: [UInt8]) -> ArraySlice<UInt8> {
        var result = Array(left)
        var borrow = 0
        for place in 0..<result.count {
            let index = result.count - 1 - place
            let taken = (place < right.count ? Int(right[right.count - 1 - place]) : 0) + borrow
            let value = Int(result[index]) - taken
            borrow = value < 0 ? 1 : 0
            result[index] = UInt8(value < 0 ? value + 10 : value)
        }
        return result.drop { $0 == 0 }
    }
}

extension ExactDecimal: Comparable {
    /// The smaller value, exactly.
    public static func < (left: ExactDecimal, right: ExactDecimal) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        if left.isZero || right.isZero { return left.isZero ? !right.isZero && !right.isNegative : left.isNegative }
        return left.isNegative ? isSmaller(right, left) : isSmaller(left, right)
    }

    /// Compares two values other than zero without their signs.
    private static func isSmaller(_ left: ExactDecimal, _ right: ExactDecimal) -> Bool {
        let leftMagnitude = left.digits.count + left.exponent
        let rightMagnitude = right.digits.count + right.exponent
        if leftMagnitude != rightMagnitude { return leftMagnitude < rightMagnitude }
        return left.digits.lexicographicallyPrecedes(right.digits)
    }
}

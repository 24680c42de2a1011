extension ExactDecimal {
    /// Sums of more digits than this are refused.
    private static let sumLimit = 10_000
    /// Powers of ten up to this are written out as zeros.
    private static let plainLimit = 40

    /// The exact sum; nil where it would have more than 10 000 digits. O(digits).
    public func adding(_ other: ExactDecimal) -> ExactDecimal? {
        if isZero { return other }
        if other.isZero { return self }
        let lowest = min(exponent, other.exponent)
        let highest = max(exponent + digits.count, other.exponent + other.digits.count)
        guard highest - lowest < Self.sumLimit else { return nil }
        let left = shifted(to: lowest, count: highest - lowest)
        let right = other.shifted(to: lowest, count: highest - lowest)
        if isNegative == other.isNegative {
            return ExactDecimal(isNegative: isNegative, digits: Self.added(left, right)[...], exponent: lowest)
        }
        let isLess = left.lexicographicallyPrecedes(right)
        let difference = isLess ? Self.subtracted(right, left) : Self.subtracted(left, right)
        return ExactDecimal(
            isNegative: isLess ? other.isNegative : isNegative, digits: difference[...], exponent: lowest)
    }

    /// The value in JSON's number grammar, with at least so many digits after the point: `3.30` for 2.
    /// Very large and very small values have an exponent instead of zeros.
    public func text(fractionDigits: Int = 0) -> String {
        let sign = isNegative ? "-" : ""
        func text(_ digits: some Sequence<UInt8>) -> String {
            String(decoding: digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
        }
        let magnitude = digits.count + exponent
        guard abs(exponent) <= Self.plainLimit || abs(magnitude) <= Self.plainLimit, magnitude > -Self.plainLimit
        else {
            return sign + text(digits) + "e\(exponent)"
        }
        let whole = magnitude <= 0 ? [0] : Array(digits.prefix(magnitude))
        let zeros = max(0, magnitude - digits.count)
        let leading = isZero ? 0 : max(0, -magnitude)
        var fraction = [UInt8](repeating: 0, count: leading) + digits.dropFirst(max(0, magnitude))
        while fraction.count < fractionDigits { fraction.append(0) }
        let point = fraction.isEmpty ? "" : "." + text(fraction)
        return sign + text(whole) + String(repeating: "0", count: zeros) + point
    }

    /// The digits as a whole number of a lower power of ten, with zeros before them up to a count.
    private func shifted(to lowest: Int, count: Int) -> [UInt8] {
        let after = exponent - lowest
        let before = count - after - digits.count
        return [UInt8](repeating: 0, count: before) + digits + [UInt8](repeating: 0, count: after)
    }

    private static func added(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: left.count + 1)
        var carry: UInt8 = 0
        for place in stride(from: left.count - 1, through: 0, by: -1) {
            let sum = left[place] + right[place] + carry
            result[place + 1] = sum % 10
            carry = sum / 10
        }
        result[0] = carry
        return result
    }

    /// Takes a smaller number of as many digits away.
    private static func subtracted(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        var result = left
        var borrow: Int = 0
        for place in stride(from: left.count - 1, through: 0, by: -1) {
            let value = Int(left[place]) - Int(right[place]) - borrow
            borrow = value < 0 ? 1 : 0
            result[place] = UInt8(value < 0 ? value + 10 : value)
        }
        return result
    }
}

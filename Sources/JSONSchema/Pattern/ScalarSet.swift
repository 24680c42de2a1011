/// A set of Unicode scalars: ranges and properties, perhaps inverted as a whole.
struct ScalarSet: Sendable {
    /// A part of a set.
    enum Item: Sendable {
        /// Scalars by their numbers.
        case range(ClosedRange<UInt32>)
        /// Scalars with a property, or without it.
        case property(UnicodeProperty, isNegated: Bool)
        /// Another set, such as `\d` inside brackets.
        indirect case set(ScalarSet)
    }

    private let items: [Item]
    private let isNegated: Bool
    /// The answer for each ASCII character.
    private let low: UInt64
    private let high: UInt64

    /// The union of the items, or all but that.
    init(_ items: [Item], isNegated: Bool = false) {
        self.items = items
        self.isNegated = isNegated
        var low: UInt64 = 0
        var high: UInt64 = 0
        for value in UInt32(0)..<128 {
            guard let scalar = Unicode.Scalar(value), Self.find(scalar, items) != isNegated else { continue }
            if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
        }
        self.low = low
        self.high = high
    }

    /// Whether a scalar is in the set.
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 64 { return low >> UInt64(value) & 1 == 1 }
        if value < 128 { return high >> UInt64(value - 64) & 1 == 1 }
        return Self.find(scalar, items) != isNegated
    }

    private static func find(_ scalar: Unicode.Scalar, _ items: [Item]) -> Bool {
        for item in items {
            switch item {
            case .range(let range): if range.contains(scalar.value) { return true }
            case .property(let property, let isNegated): if property.holds(scalar) != isNegated { return true }
            case .set(let set): if set.contains(scalar) { return true }
            }
        }
        return false
    }

    private static func make(_ ranges: [ClosedRange<UInt32>], _ isNegated: Bool) -> ScalarSet {
        ScalarSet(ranges.map { .range($0) }, isNegated: isNegated)
    }

    /// `\d`: ASCII digits (ECMA-262, CharacterClassEscape).
    static func digits(isNegated: Bool) -> ScalarSet { make([0x30...0x39], isNegated) }

    /// `\w`: ASCII letters, digits and the underscore.
    static func word(isNegated: Bool) -> ScalarSet {
        make([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A], isNegated)
    }

    /// `\s`: ECMA-262's WhiteSpace and LineTerminator.
    static func space(isNegated: Bool) -> ScalarSet {
        make(
            [
                0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
                0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
            ], isNegated)
    }

    /// `.`: all but line terminators.
    static let dot = make([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029], true)
}

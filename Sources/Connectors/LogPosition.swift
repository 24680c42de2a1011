/// A place in a source's log: a byte position that only grows, printed as Postgres prints an LSN (`16/B374D848`).
///
/// Positions of two captures can't be compared. Zero is before everything.
public struct LogPosition: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Parses the two hexadecimal halves of `16/B374D848`; nil for anything else.
    public init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let high = UInt32(halves[0], radix: 16), let low = UInt32(halves[1], radix: 16) else {
            return nil
        }
        self.init(UInt64(high) << 32 | UInt64(low))
    }

    /// After every record that ends here, before each that begins here: a place that no record has.
    public var justBefore: LogPosition { LogPosition(rawValue > 0 ? rawValue - 1 : 0) }

    public static let zero = LogPosition(0)

    public static func < (left: LogPosition, right: LogPosition) -> Bool { left.rawValue < right.rawValue }

    public var description: String {
        "\(String(rawValue >> 32, radix: 16, uppercase: true))/\(String(UInt32(truncatingIfNeeded: rawValue), radix: 16, uppercase: true))"
    }

    /// Bytes from `earlier` to this position; zero where `earlier` is not earlier.
    public func bytes(since earlier: LogPosition) -> UInt64 {
        rawValue > earlier.rawValue ? rawValue - earlier.rawValue : 0
    }
}

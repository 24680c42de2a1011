/// A log sequence number: a byte position in the write-ahead log, printed as `16/B374D848` (manual, "pg_lsn Type").
public struct LSN: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Nil for anything but two hexadecimal halves of up to eight digits.
    public init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        // Swift's own parser takes a sign and any number of zeros.
        let isPlain = halves.allSatisfy { $0.utf8.count <= 8 && $0.first != "+" && $0.first != "-" }
        guard halves.count == 2, isPlain, let high = UInt32(halves[0], radix: 16),
            let low = UInt32(halves[1], radix: 16)
        else { return nil }
        self.init(UInt64(high) << 32 | UInt64(low))
    }

    public static func < (left: LSN, right: LSN) -> Bool { left.rawValue < right.rawValue }

    public var description: String {
        let low = UInt32(truncatingIfNeeded: rawValue)
        return "\(String(rawValue >> 32, radix: 16, uppercase: true))/\(String(low, radix: 16, uppercase: true))"
    }
}

/// A moment of RFC 3339, to compare.
public struct Timestamp: Comparable, Sendable {
    /// Since 1970, without leap seconds.
    let seconds: Int
    /// The digits after the second, without zeros at the end.
    let fraction: String

    /// Nil for text that is no date-time: its form is checked by the schema.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count else { return nil }
            return bytes[range].allSatisfy { (48...57).contains($0) }
                ? Int(String(decoding: bytes[range], as: UTF8.self)) : nil
        }
        guard bytes.count >= 20, let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19)
        else { return nil }
        var index = 19
        var fraction = ""
        if bytes[index] == UInt8(ascii: ".") {
            index += 1
            while index < bytes.count, (48...57).contains(bytes[index]) {
                fraction.unicodeScalars.append(Unicode.Scalar(bytes[index]))
                index += 1
            }
        }
        while fraction.hasSuffix("0") { fraction.removeLast() }
        var offset = 0
        guard index < bytes.count else { return nil }
        if bytes[index] != UInt8(ascii: "Z"), bytes[index] != UInt8(ascii: "z") {
            guard let hours = number(index + 1..<index + 3), let minutes = number(index + 4..<index + 6) else {
                return nil
            }
            offset = (hours * 3600 + minutes * 60) * (bytes[index] == UInt8(ascii: "-") ? -1 : 1)
        }
        let days = Self.days(year, month, day)
        seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.fraction = fraction
    }

    /// Microseconds since 2000-01-01 UTC: what lies between two of them is rounded down, or up.
    public func microseconds(roundedUp: Bool) -> Int64 {
        let digits = (fraction + "000000").prefix(6)
        let isBetween = roundedUp && fraction.utf8.count > 6
        return (Int64(seconds) - 946_684_800) * 1_000_000 + (Int64(digits) ?? 0) + (isBetween ? 1 : 0)
    }

    /// Days since 1970-01-01 of the proleptic Gregorian calendar.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The earlier moment.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.fraction) < (right.seconds, right.fraction)
    }
}

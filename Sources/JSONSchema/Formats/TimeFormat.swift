/// Dates, times (RFC 3339, section 5.6) and durations (its appendix A).
enum TimeFormat {
    /// `2026-01-31T23:59:59.5+01:00`.
    static func isDateTime(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 11, bytes[10] | 0x20 == UInt8(ascii: "t") else { return false }
        return isDate(Array(bytes[..<10])) && isTime(Array(bytes[11...]))
    }

    /// `2026-01-31`, a day that there is.
    static func isDate(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            (1...12).contains(month)
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }

    /// `23:59:59.5Z`; a leap second only at the end of a day in UTC.
    static func isTime(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 9, bytes[2] == UInt8(ascii: ":"), bytes[5] == UInt8(ascii: ":"),
            let hour = number(bytes[0..<2]), let minute = number(bytes[3..<5]), let second = number(bytes[6..<8]),
            hour < 24, minute < 60, second <= 60
        else { return false }
        var rest = bytes[8...]
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix(while: \.isDigit)
            if digits.isEmpty { return false }
            rest = rest.dropFirst(1 + digits.count)
        }
        guard let offset = offset(Array(rest)) else { return false }
        // A leap second is the last of a day in UTC.
        let minuteOfDay = ((hour * 60 + minute - offset) % 1440 + 1440) % 1440
        return second < 60 || minuteOfDay == 1439
    }

    /// The minutes of `Z` or `+hh:mm`; nil for anything else.
    private static func offset(_ bytes: [UInt8]) -> Int? {
        if bytes.count == 1, bytes[0] | 0x20 == UInt8(ascii: "z") { return 0 }
        guard bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
            bytes[3] == UInt8(ascii: ":"), let hours = number(bytes[1..<3]), let minutes = number(bytes[4..<6]),
            hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (bytes[0] == UInt8(ascii: "-") ? -1 : 1)
    }

    /// `P1Y2M3DT4H5M6S` or `P1W`.
    static func isDuration(_ bytes: [UInt8]) -> Bool {
        guard bytes.first == UInt8(ascii: "P") else { return false }
        let parts = bytes.dropFirst().split(
            separator: UInt8(ascii: "T"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let date = parts.first else { return false }
        let dateUnits = units(date)
        if parts.count == 1 {
            return dateUnits == "W" || (dateUnits.map { isRun($0, of: "YMD") } ?? false)
        }
        let isDateFine = date.isEmpty || (dateUnits.map { isRun($0, of: "YMD") } ?? false)
        return isDateFine && (units(parts[1]).map { isRun($0, of: "HMS") } ?? false)
    }

    /// The letters of `1Y2M`; nil where a letter has no digits before it or digits no letter after them.
    private static func units(_ bytes: ArraySlice<UInt8>) -> String? {
        var letters = ""
        var hasDigits = false
        for byte in bytes {
            if byte.isDigit {
                hasDigits = true
            } else {
                guard hasDigits else { return nil }
                letters.unicodeScalars.append(Unicode.Scalar(byte))
                hasDigits = false
            }
        }
        return hasDigits ? nil : letters
    }

    /// Whether the letters follow each other in `order` without a gap.
    private static func isRun(_ letters: String, of order: String) -> Bool {
        !letters.isEmpty && order.contains(letters)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.allSatisfy(\.isDigit) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}

/// Times as documents hold them (RFC 3339), from the text of a session in UTC with ISO dates.
///
/// What RFC 3339 can't say becomes the nearest that it can: infinities the first or last moment of its years, years before 1 and
/// above 9999 its first, and the hour 24 the last microsecond of its day.
enum DocumentTime {
    private static let first = "0000-01-01"
    private static let last = "9999-12-31"
    private static let endOfDay = "23:59:59.999999"

    /// `2024-01-15`.
    static func date(_ text: String) -> String {
        if text == "infinity" { return last }
        return isOrdinary(text) ? text : first
    }

    /// `2024-01-15T12:00:00.5Z`, of a timestamp with or without time zone.
    static func dateTime(_ text: String) -> String {
        if text == "infinity" { return "\(last)T23:59:59Z" }
        let parts = text.split(separator: " ")
        guard parts.count == 2, isOrdinary(String(parts[0])) else { return "\(first)T00:00:00Z" }
        return "\(parts[0])T\(parts[1].hasSuffix("+00") ? parts[1].dropLast(3) : parts[1])Z"
    }

    /// `14:30:00Z`.
    static func time(_ text: String) -> String { inDay(text) + "Z" }

    /// `14:30:00+05:30`. An offset of seconds, which RFC 3339 lacks, is taken off.
    static func timeWithZone(_ text: String) -> String {
        guard let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return time(text) }
        let offset = text[text.index(after: sign)...].split(separator: ":")
        let clock = inDay(String(text[..<sign]))
        guard offset.count < 3 else { return shifted(clock, offset, isEast: text[sign] == "+") }
        return clock + String(text[sign]) + (offset.count == 2 ? offset.joined(separator: ":") : "\(offset[0]):00")
    }

    /// A range or multirange of timestamps: each bound as a time stamp.
    static func range(_ text: String) -> String {
        var result = ""
        for (place, part) in text.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            result += place % 2 == 1 ? dateTime(String(part)) : String(part)
        }
        return result
    }

    private static func isOrdinary(_ date: String) -> Bool {
        let bytes = Array(date.utf8)
        return bytes.count == 10 && bytes[4] == UInt8(ascii: "-") && bytes[7] == UInt8(ascii: "-")
    }

    private static func inDay(_ text: String) -> String { text.hasPrefix("24:") ? endOfDay : text }

    private static func shifted(_ clock: String, _ offset: [Substring], isEast: Bool) -> String {
        let whole = clock.prefix(8).split(separator: ":").compactMap { Int($0) }
        let shift = offset.compactMap { Int($0) }
        guard whole.count == 3, shift.count == 3 else { return clock + "Z" }
        let seconds = whole[0] * 3600 + whole[1] * 60 + whole[2]
        let away = shift[0] * 3600 + shift[1] * 60 + shift[2]
        let day = 86_400
        let moved = ((isEast ? seconds - away : seconds + away) % day + day) % day
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(moved / 3600)):\(two(moved / 60 % 60)):\(two(moved % 60))\(clock.dropFirst(8))Z"
    }
}

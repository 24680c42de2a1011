/// Looks from places of a text at their lines.
struct SourceLines {
    /// The text.
    let bytes: [UInt8]
    /// The first byte after a byte order mark.
    let base: Int

    /// Looks at a file's bytes.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        base = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Whether a line of YAML ends with this byte. (libyaml's further line breaks are left to the final comparison.)
    static func isBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    /// A space or a tab.
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// The first byte of the line that a byte is in.
    func lineStart(_ offset: Int) -> Int {
        var at = offset
        while at > base, !Self.isBreak(bytes[at - 1]) { at -= 1 }
        return at
    }

    /// The byte after the last one of the line that a byte is in.
    func lineEnd(_ offset: Int) -> Int {
        var at = offset
        while at < bytes.count, !Self.isBreak(bytes[at]) { at += 1 }
        return at
    }

    /// Characters between the line's beginning and a byte.
    func column(_ offset: Int) -> Int {
        bytes[lineStart(offset)..<offset].count { $0 & 0xC0 != 0x80 }
    }

    /// Spaces and tabs that the line of a byte begins with.
    func indent(_ offset: Int) -> Int {
        bytes[lineStart(offset)...].prefix(while: Self.isBlank).count
    }

    /// Whether only white space stands before a byte on its line.
    func isFirst(_ offset: Int) -> Bool {
        var at = offset
        while at > base, Self.isBlank(bytes[at - 1]) { at -= 1 }
        return at == base || Self.isBreak(bytes[at - 1])
    }

    /// Whether a line break stands between two bytes.
    func isBroken(_ start: Int, _ end: Int) -> Bool {
        start < end && bytes[start..<end].contains(where: Self.isBreak)
    }

    /// Whether the line before the one of a byte is there and empty, for a byte that is first on its line. `text` is the end
    /// of the last text after `|` or `>` before it: what looks empty up to there is text.
    func hasBlankBefore(_ offset: Int, after text: Int = 0) -> Bool {
        guard isFirst(offset) else { return false }
        var at = offset
        var breaks = 0
        while at > max(base, text), Self.isBreak(bytes[at - 1]) || Self.isBlank(bytes[at - 1]) {
            at -= 1
            // A carriage return before a line feed is one break with it.
            if bytes[at] == 0x0A || (bytes[at] == 0x0D && !(at + 1 < bytes.count && bytes[at + 1] == 0x0A)) {
                breaks += 1
            }
        }
        return breaks >= 2
    }

    /// The text between two bytes.
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// The lines between two bytes, their breaks left out.
    func lines(_ range: Range<Int>) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = range.lowerBound
        var at = start
        while at < range.upperBound {
            guard Self.isBreak(bytes[at]) else {
                at += 1
                continue
            }
            lines.append(bytes[start..<at])
            at += bytes[at] == 0x0D && at + 1 < range.upperBound && bytes[at + 1] == 0x0A ? 2 : 1
            start = at
        }
        lines.append(bytes[start..<range.upperBound])
        return lines
    }
}

import JSON

/// Whether a text can stand without quotes.
enum PlainText {
    /// Whether the text without quotes is the same string, for this program and for readers of YAML 1.1, and stays so
    /// within brackets.
    static func isSafe(_ text: String, inFlow: Bool) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 1000 else { return false }
        guard ScalarResolution.resolve(text) == .string(text), !isAmbiguous(text) else { return false }
        if first == 0x20 || last == 0x20 || last == UInt8(ascii: ":") { return false }
        if "-?:,[]{}#&*!|>'\"%@`=".utf8.contains(first) { return false }
        var previous: UInt8 = 0
        for byte in text.utf8 {
            switch byte {
            case 0..<0x20, 0x7F: return false
            case 0x20 where previous == UInt8(ascii: ":"): return false
            case UInt8(ascii: "#") where previous == 0x20: return false
            case UInt8(ascii: ":") where inFlow, UInt8(ascii: "?") where inFlow: return false
            case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"):
                if inFlow { return false }
            default: break
            }
            previous = byte
        }
        return text.unicodeScalars.allSatisfy(isOrdinary)
    }

    /// Letters and signs that no reader takes for a line break, a mark or nothing.
    private static func isOrdinary(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            || (scalar.value > 0xA0 && !(0x2000...0x206F).contains(scalar.value)
                && !(0xD800...0xFFFF).contains(scalar.value)
                && scalar.value < 0x1_0000)
    }

    /// What YAML 1.1 takes for a truth value, a number in base 60, a date and the like.
    private static func isAmbiguous(_ text: String) -> Bool {
        if ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "<<"].contains(text.lowercased()) {
            return true
        }
        guard let first = text.utf8.first else { return true }
        guard (0x30...0x39).contains(first) || "+-.".utf8.contains(first) else { return false }
        return text.utf8.allSatisfy { (0x30...0x39).contains($0) || "_:.,+-/ eExXoObBTtZzabcdfABCDF".utf8.contains($0) }
    }
}

extension SyntaxNode {
    /// A scalar's text on one line, in the fewest quotes; nil where it takes several lines.
    func lineText(_ lines: SourceLines, inFlow: Bool) -> String? {
        guard case .scalar(let value, let style, _) = content else { return nil }
        if style == .block { return nil }
        let raw = lines.text(contentStart..<end)
        if lines.isBroken(contentStart, end) {
            return style == .plain && !value.utf8.contains(0x0A) ? value : nil
        }
        guard style == .quoted, tag == nil else { return raw }
        if PlainText.isSafe(value, inFlow: inFlow) { return value }
        let isPrintable = value.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7F }
        if raw.hasPrefix("'"), isPrintable, !value.contains("\""), !value.contains("\\") { return "\"\(value)\"" }
        return raw
    }

    /// The lines of a scalar in quotes or without: the first as it stands, the others without their indentation.
    func brokenLines(_ lines: SourceLines) -> [String] {
        guard case .scalar(_, let style, _) = content else { return [] }
        let isDouble = style == .quoted && lines.bytes[contentStart] == UInt8(ascii: "\"")
        let found = lines.lines(contentStart..<end)
        return found.enumerated().map { index, line in
            var line = line
            if index > 0 { line = line.drop(while: SourceLines.isBlank) }
            if index + 1 < found.count {
                while let last = line.last, SourceLines.isBlank(last) {
                    let rest = line.dropLast()
                    let escapes = rest.reversed().prefix { $0 == UInt8(ascii: "\\") }.count
                    if isDouble && escapes % 2 == 1 { break }
                    line = rest
                }
            }
            return String(decoding: line, as: UTF8.self)
        }
    }
}

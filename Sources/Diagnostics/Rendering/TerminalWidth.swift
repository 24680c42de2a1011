/// How many columns of a terminal text takes.
public enum TerminalWidth {
    /// None for marks, two for wide East Asian characters and emoji (Unicode Standard Annex 11).
    public static func of(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0..<0x300: return 1
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            return 2
        default: break
        }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return 1
        }
    }

    /// The columns of a line without control characters.
    public static func of(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + of($1) } }

    /// The text's end where all of it is wider than so many columns, behind a `…`: of a qualified name that is what tells it
    /// from others.
    public static func end(of text: String, columns: Int) -> String {
        guard of(text) > columns else { return text }
        return columns > 0 ? "…" + part(text.reversed(), columns - 1).reversed() : ""
    }

    /// The text's beginning, no wider than so many columns.
    public static func beginning(of text: String, columns: Int) -> String {
        of(text) > columns ? String(part(Array(text), columns)) : text
    }

    private static func part(_ characters: [Character], _ columns: Int) -> [Character] {
        var left = columns
        return Array(
            characters.prefix { character in
                left -= of(String(character))
                return left >= 0
            })
    }
}

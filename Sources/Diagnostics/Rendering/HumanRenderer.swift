/// Prints diagnostics for people: message, place, the offending line with carets below, notes and a hint.
public struct HumanRenderer: Sendable {
    private let colour: Bool
    private let snippets: SnippetRenderer

    /// A renderer. `secrets` are masked wherever a snippet would show them.
    public init(colour: Bool = false, secrets: [SourceRange] = []) {
        self.colour = colour
        self.snippets = SnippetRenderer(secrets: secrets)
    }

    /// Whether to use colour on a stream: on a terminal, unless the environment's `NO_COLOR` holds any text
    /// (no-color.org).
    public static func usesColour(isTerminal: Bool, noColor: String?) -> Bool {
        isTerminal && (noColor ?? "").isEmpty
    }

    /// All diagnostics with an empty line between them, and the counts where there is anything to count.
    public func render(_ diagnostics: [Diagnostic], summary: DiagnosticSummary) -> String {
        var text = ""
        for diagnostic in diagnostics { text += render(diagnostic) + "\n" }
        if summary.suppressed > 0 { text += "\(summary.suppressed) more not shown\n" }
        if summary.errors + summary.warnings > 0 {
            var parts: [String] = []
            if summary.errors > 0 { parts.append(counted(summary.errors, "error")) }
            if summary.warnings > 0 { parts.append(counted(summary.warnings, "warning")) }
            text += parts.joined(separator: ", ") + "\n"
        }
        return text
    }

    /// One diagnostic; its last line ends with a line break.
    public func render(_ diagnostic: Diagnostic) -> String {
        let tone = tone(of: diagnostic.severity)
        let label = "\(diagnostic.severity.rawValue)[\(diagnostic.code.name)]"
        var text = paint(label, tone) + paint(": " + Self.visible(diagnostic.message), "1") + "\n"
        if let range = diagnostic.range {
            let start = range.start
            let gutter = String(start.line).count
            let margin = String(repeating: " ", count: gutter)
            text += margin + paint("-->", "34") + " \(Self.visible(range.file.path)):\(start.line):\(start.column)\n"
            if !diagnostic.isSecret, let snippet = snippets.render(range) {
                let bar = paint("|", "34")
                text += "\(margin) \(bar)\n"
                text += paint(String(start.line), "34") + " \(bar)" + (snippet.line.isEmpty ? "" : " " + snippet.line)
                text += "\n\(margin) \(bar) \(snippet.indent)" + paint(snippet.carets, tone) + "\n"
            }
        }
        for note in diagnostic.notes {
            text += paint("note", "36") + ": " + Self.visible(note.message)
            if let range = note.range { text += " at " + Self.visible(range.description) }
            text += "\n"
        }
        if let hint = diagnostic.hint { text += paint("hint", "32") + ": " + Self.visible(hint) + "\n" }
        return text
    }

    private func tone(of severity: Diagnostic.Severity) -> String {
        switch severity {
        case .error: "1;31"
        case .warning: "1;33"
        case .note: "1;36"
        }
    }

    private func counted(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    private func paint(_ text: String, _ style: String) -> String {
        colour ? "\u{1B}[\(style)m\(text)\u{1B}[0m" : text
    }

    /// Text that can't steer a terminal: control characters are written as escapes.
    static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where isControl(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// C0, C1 and the characters that turn the direction of writing.
    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

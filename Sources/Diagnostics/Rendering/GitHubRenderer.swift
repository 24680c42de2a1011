/// Prints GitHub Actions workflow commands, which annotate the lines of a pull request.
///
/// The form: docs.github.com, "Workflow commands for GitHub Actions", setting an error message.
public struct GitHubRenderer: Sendable {
    /// A renderer; it has no settings.
    public init() {}

    /// One command a diagnostic, each on its own line.
    public func render(_ diagnostics: [Diagnostic]) -> String {
        diagnostics.map { render($0) + "\n" }.joined()
    }

    /// One command without a line break. Notes and hint follow the message as escaped lines.
    public func render(_ diagnostic: Diagnostic) -> String {
        let command =
            switch diagnostic.severity {
            case .error: "error"
            case .warning: "warning"
            case .note: "notice"
            }
        var properties: [String] = []
        if let range = diagnostic.range {
            let start = range.start
            let end = range.end
            properties.append("file=\(escapedProperty(range.file.path))")
            properties.append("line=\(start.line)")
            if end.line > start.line { properties.append("endLine=\(end.line)") }
            properties.append("col=\(start.column)")
            if end.line == start.line && end.column > start.column { properties.append("endColumn=\(end.column)") }
        }
        properties.append("title=\(diagnostic.code.name)")
        var text = diagnostic.message
        for note in diagnostic.notes {
            text += "\nnote: " + note.message + (note.range.map { " at \($0)" } ?? "")
        }
        if let hint = diagnostic.hint { text += "\nhint: " + hint }
        return "::\(command) \(properties.joined(separator: ","))::\(escaped(text))"
    }

    private func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "%": result += "%25"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private func escapedProperty(_ text: String) -> String {
        var result = ""
        for scalar in escaped(text).unicodeScalars {
            switch scalar {
            case ":": result += "%3A"
            case ",": result += "%2C"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Prints one JSON object a diagnostic and a last one with the counts, each on its own line.
///
/// No offending text is in it beside what the message says.
public struct JSONLinesRenderer: Sendable {
    /// A renderer; it has no settings.
    public init() {}

    /// All lines of a run.
    public func render(_ diagnostics: [Diagnostic], summary: DiagnosticSummary) -> String {
        var text = ""
        for diagnostic in diagnostics { text += render(diagnostic) + "\n" }
        return text + render(summary) + "\n"
    }

    /// One diagnostic without a line break. The members' order is fixed.
    public func render(_ diagnostic: Diagnostic) -> String {
        let start = diagnostic.range?.start
        let end = diagnostic.range?.end
        var json = JSONText()
        json.raw("{")
        json.member("severity", diagnostic.severity.rawValue)
        json.raw(", ")
        json.member("code", diagnostic.code.name)
        json.raw(", ")
        json.member("message", diagnostic.message)
        json.raw(", ")
        json.member("file", diagnostic.range?.file.path)
        let places = [
            ("line", start?.line), ("column", start?.column), ("end_line", end?.line), ("end_column", end?.column),
        ]
        for (name, value) in places {
            json.raw(", ")
            json.member(name, value)
        }
        json.raw(", ")
        json.member("pointer", diagnostic.pointer)
        json.raw(", \"notes\": [")
        for (index, note) in diagnostic.notes.enumerated() {
            json.raw(index == 0 ? "{" : ", {")
            json.member("message", note.message)
            json.raw(", ")
            json.member("file", note.range?.file.path)
            json.raw(", ")
            json.member("line", note.range?.start.line)
            json.raw(", ")
            json.member("column", note.range?.start.column)
            json.raw("}")
        }
        json.raw("], ")
        json.member("hint", diagnostic.hint)
        json.raw("}")
        return json.text
    }

    /// The last object, without a line break.
    public func render(_ summary: DiagnosticSummary) -> String {
        "{\"summary\": {\"files\": \(summary.files), \"errors\": \(summary.errors), "
            + "\"warnings\": \(summary.warnings)}}"
    }
}

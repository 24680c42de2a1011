import Catalog
import JSON

/// Results in the Test Anything Protocol, version 14: a line a test, a YAML block below each that fails.
enum TAPReport {
    /// The whole stream.
    static func text(_ outcomes: [TestOutcome]) -> String {
        var text = "TAP version 14\n1..\(outcomes.count)\n"
        for (index, outcome) in outcomes.enumerated() {
            text += (outcome.isPassed ? "ok" : "not ok") + " \(index + 1) - \(escaped(outcome.test.name.text))\n"
            if !outcome.isPassed { text += block(outcome) }
        }
        return text
    }

    private static func block(_ outcome: TestOutcome) -> String {
        var text = "  ---\n  failures:\n"
        for failure in outcome.failures {
            let diagnostic = failure.diagnostic
            text += "    - message: \(JSONWriter.quoted(diagnostic.message))\n"
            if let range = diagnostic.range {
                text += "      at: { file: \(JSONWriter.quoted(range.file.path)), line: \(range.start.line), "
                text += "column: \(range.start.column) }\n"
            }
            if failure.diff.isEmpty { continue }
            text += "      diff: |2\n"
            for line in failure.diff { text += "        \(line)\n" }
        }
        return text + "  ...\n"
    }

    /// A description in which `#` begins no directive.
    private static func escaped(_ text: String) -> String {
        String(text.flatMap { $0 == "#" || $0 == "\\" ? ["\\", $0] : [$0] })
    }
}

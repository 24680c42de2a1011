import Catalog
import Diagnostics
import JSON

/// The results of tests, as text.
struct TestReport {
    /// The forms of results.
    enum Format: String, CaseIterable {
        /// For people: failures with the catalog's line and the documents' differences.
        case human
        /// The Test Anything Protocol, version 14 (testanything.org).
        case tap
        /// One object a test, and a last one with the counts.
        case json
    }

    let format: Format
    /// Text of the catalogs that is masked in snippets.
    let secrets: [SourceRange]
    let colour: Bool

    /// The whole output, with a line break at its end.
    func text(_ outcomes: [TestOutcome]) -> String {
        switch format {
        case .human: human(outcomes)
        case .tap: TAPReport.text(outcomes)
        case .json: json(outcomes)
        }
    }

    // MARK: For people

    private func human(_ outcomes: [TestOutcome]) -> String {
        let renderer = HumanRenderer(colour: colour, secrets: secrets)
        var text = ""
        for outcome in outcomes {
            let test = outcome.test
            let what = test.description.isEmpty ? "" : ": " + JSONWriter.quoted(test.description).dropFirst().dropLast()
            text += (outcome.isPassed ? paint("ok  ", "32") : paint("FAIL", "1;31")) + "  \(test.name.text)\(what)\n"
            for failure in outcome.failures {
                text += "\n" + renderer.render(failure.diagnostic)
                for line in failure.diff { text += "    " + paint(line, tone(line)) + "\n" }
            }
            if !outcome.isPassed { text += "\n" }
        }
        let failed = outcomes.count { !$0.isPassed }
        if outcomes.isEmpty { return "no tests\n" }
        return text + "\(outcomes.count - failed) passed" + (failed > 0 ? ", \(failed) failed" : "") + "\n"
    }

    private func tone(_ line: String) -> String? {
        line.hasPrefix("-") ? "31" : line.hasPrefix("+") ? "32" : nil
    }

    private func paint(_ text: String, _ style: String?) -> String {
        guard colour, let style else { return text }
        return "\u{1B}[\(style)m\(text)\u{1B}[0m"
    }

    // MARK: For programs

    private func json(_ outcomes: [TestOutcome]) -> String {
        var lines = outcomes.map { outcome -> JSONValue in
            let place = outcome.test.name.range
            return [
                "test": .string(outcome.test.name.text), "ok": .bool(outcome.isPassed),
                "description": .string(outcome.test.description), "file": .string(place.file.path),
                "line": .int(place.start.line), "column": .int(place.start.column),
                "steps": .int(outcome.test.steps.count), "failures": .array(outcome.failures.map(Self.json)),
            ]
        }
        let failed = outcomes.count { !$0.isPassed }
        lines.append([
            "summary": [
                "tests": .int(outcomes.count), "passed": .int(outcomes.count - failed), "failed": .int(failed),
            ]
        ])
        return lines.map { JSONWriter.write($0, .spaced) + "\n" }.joined()
    }

    private static func json(_ failure: TestOutcome.Failure) -> JSONValue {
        let diagnostic = failure.diagnostic
        return [
            "step": .int(failure.step + 1), "code": .string(diagnostic.code.name),
            "message": .string(diagnostic.message),
            "file": diagnostic.range.map { .string($0.file.path) } ?? .null,
            "line": diagnostic.range.map { .int($0.start.line) } ?? .null,
            "column": diagnostic.range.map { .int($0.start.column) } ?? .null,
            "pointer": diagnostic.pointer.map { .string($0) } ?? .null,
            "expected": failure.expected ?? .null, "found": failure.found ?? .null,
            "diff": .array(failure.diff.map { .string($0) }),
        ]
    }
}

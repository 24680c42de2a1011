/// The forms in which diagnostics are printed.
public enum DiagnosticFormat: String, Sendable, CaseIterable {
    /// Text with snippets for people.
    case human
    /// One JSON object a line.
    case json
    /// One SARIF 2.1.0 log.
    case sarif
    /// GitHub Actions workflow commands.
    case github
}

extension DiagnosticCollector {
    /// The counts, for a run over so many files.
    public func summary(files: Int) -> DiagnosticSummary {
        DiagnosticSummary(files: files, errors: errorCount, warnings: warningCount, suppressed: suppressed)
    }

    /// The whole output of a run in one of the forms; ends with a line break unless it is empty.
    /// `colour` only matters to people's form: pass whether the stream is a terminal and `NO_COLOR` is unset.
    public func render(_ format: DiagnosticFormat, files: Int, colour: Bool = false, version: String = "") -> String {
        let summary = summary(files: files)
        switch format {
        case .human: return HumanRenderer(colour: colour, secrets: secrets).render(diagnostics, summary: summary)
        case .json: return JSONLinesRenderer().render(diagnostics, summary: summary)
        case .sarif: return SARIFRenderer(version: version).render(diagnostics)
        case .github: return GitHubRenderer().render(diagnostics)
        }
    }
}

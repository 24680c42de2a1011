/// What a renderer needs to know about a run besides its diagnostics.
public struct DiagnosticSummary: Sendable, Hashable {
    /// Files named on the command line.
    public var files: Int
    /// Errors, those after the collector's limit included.
    public var errors: Int
    /// Warnings, likewise.
    public var warnings: Int
    /// Diagnostics that were not kept.
    public var suppressed: Int

    /// The counts of a run.
    public init(files: Int, errors: Int, warnings: Int, suppressed: Int = 0) {
        self.files = files
        self.errors = errors
        self.warnings = warnings
        self.suppressed = suppressed
    }
}

import ArgumentParser
import Catalog
import Diagnostics
import TaskGraph

/// The catalog that a command works on.
enum CatalogFile {
    /// The compiled catalog of a file. Where it is at fault, shows all faults and ends with the exit code for that;
    /// warnings are shown and don't stop the command. Diagnostics of people's form go to standard error.
    static func compile(_ path: String, _ options: CommonOptions) throws -> CompiledGraph {
        try checked(compileCatalog(path: path), options)
    }

    private static func checked(
        _ compiled: (graph: CompiledGraph, diagnostics: DiagnosticCollector), _ options: CommonOptions
    ) throws -> CompiledGraph {
        if compiled.diagnostics.hasErrors {
            show(compiled.diagnostics, options)
            throw ExitCode(ExitStatus.catalogInvalid.rawValue)
        }
        if compiled.diagnostics.warningCount > 0, options.log.shows(.warn) { show(compiled.diagnostics, options) }
        return compiled.graph
    }

    /// As `compile`, for a command that moves rows: a catalog that asks for what isn't followed yet ends it with 69.
    static func compileToRun(_ path: String, _ options: CommonOptions) throws -> CompiledGraph {
        try compileToPlan(path, options).graph
    }

    /// As `compileToRun`, with what the catalog's files say now.
    static func compileToPlan(
        _ path: String, _ options: CommonOptions
    ) throws -> (graph: CompiledGraph, files: [FileFingerprint]) {
        var compiler = CatalogCompiler()
        let graph = compiler.compile(path)
        let found = compiler.diagnostics
        return (
            try runnable((graph, found), options), FileFingerprint.all(compiler.files, hiding: found.secrets)
        )
    }

    private static func runnable(
        _ compiled: (graph: CompiledGraph, diagnostics: DiagnosticCollector), _ options: CommonOptions
    ) throws -> CompiledGraph {
        let unfollowed = compiled.diagnostics.diagnostics.filter { $0.code == .notFollowedYet }
        guard !compiled.diagnostics.hasErrors, !unfollowed.isEmpty else { return try checked(compiled, options) }
        var refusal = DiagnosticCollector()
        for secret in compiled.diagnostics.secrets { refusal.hide(secret) }
        for var diagnostic in unfollowed {
            diagnostic.severity = .error
            refusal.report(diagnostic)
        }
        show(refusal, options)
        throw ExitCode(ExitStatus.unavailable.rawValue)
    }

    /// What was found in so many catalogs, to standard error.
    static func show(_ diagnostics: DiagnosticCollector, files: Int = 1, _ options: CommonOptions) {
        let format: DiagnosticFormat = options.output == .json || options.logFormat == .json ? .json : .human
        Output.log(lines: diagnostics.render(format, files: files, colour: Output.hasColour))
    }
}

extension Output {
    /// Text that ends with its own line break, to standard error.
    static func log(lines: String) { write(lines, to: 2) }
    /// Text that ends with its own line break, to standard output.
    static func lines(_ text: String) { write(text, to: 1) }
}

import ArgumentParser
import Diagnostics
import TaskGraph

/// The catalog that a command works on.
enum CatalogFile {
    /// The compiled catalog of a file. Where it is at fault, shows all faults and ends with the exit code for that;
    /// warnings are shown and don't stop the command. Diagnostics of people's form go to standard error.
    static func compile(_ path: String, _ options: CommonOptions) throws -> CompiledGraph {
        let (graph, diagnostics) = compileCatalog(path: path)
        if diagnostics.hasErrors {
            show(diagnostics, options)
            throw ExitCode(ExitStatus.catalogInvalid.rawValue)
        }
        if diagnostics.warningCount > 0, options.log.shows(.warn) { show(diagnostics, options) }
        return graph
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

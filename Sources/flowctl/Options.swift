import ArgumentParser
import Diagnostics

/// The form of a command's results.
enum OutputForm: String, CaseIterable, ExpressibleByArgument {
    case human, json
}

/// The least grave messages that are logged.
enum LogLevel: String, CaseIterable, Comparable, ExpressibleByArgument {
    case error, warn, info, debug, trace

    /// Graver.
    static func < (left: LogLevel, right: LogLevel) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// The form of log lines.
enum LogFormat: String, CaseIterable, ExpressibleByArgument {
    case text, json
}

/// The options that every command takes.
struct CommonOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "The form of the results on standard output.")
    var output = OutputForm.human

    @Option(help: "The least grave messages that are logged on standard error.")
    var logLevel = LogLevel.info

    @Option(help: "The form of the messages on standard error.")
    var logFormat = LogFormat.text
}

extension DiagnosticFormat: ExpressibleByArgument {}

extension CompletionKind {
    /// Files that may be catalogs.
    static let catalogFile = CompletionKind.file(extensions: ["yaml", "yml", "json"])
}

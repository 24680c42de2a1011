import ArgumentParser
import Glibc

/// `flowctl`: declarative Postgres-to-Postgres change-data pipelines from YAML catalogs.
@main
struct Flowctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flowctl",
        abstract: "Declarative Postgres-to-Postgres change-data pipelines from YAML catalogs kept in git.",
        discussion: """
            EXAMPLES
              flowctl demo                       # all of it on two throwaway servers
              flowctl validate catalog.yaml
              flowctl plan catalog.yaml          # what apply would do
              flowctl apply catalog.yaml
              flowctl status catalog.yaml        # how far it is
              flowctl explain FC0402             # what a fault means
              flowctl --generate-completion-script zsh > _flowctl   # or bash, fish
            """,
        version: Version.text,
        // One a line, so that two changes seldom meet. Each says its own name: to make one from the type's takes a
        // tenth of the start.
        subcommands: [
            Validate.self,
            Test.self,
            Format.self,
            Diff.self,
            Graph.self,
            Discover.self,
            Check.self,
            Setup.self,
            Plan.self,
            Apply.self,
            Status.self,
            Verify.self,
            Retry.self,
            Preview.self,
            Delete.self,
            Signal.self,
            Demo.self,
            Schema.self,
            Explain.self,
            Manual.self,
        ])

    /// A reader that goes away is seen as a failing write, and so is a limit on a file's size, not as a signal that ends the
    /// process.
    ///
    /// Commands run on the process' first thread: its memory grows in large steps, where the allocator asks the system for
    /// each page of another thread's by itself, a tenth of the time that a large catalog takes.
    @MainActor static func main() async {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "help", let message = UnknownCommand.text(arguments) { misuse(message) }
        do {
            var command = try parseAsRoot()
            if var runnable = command as? any AsyncParsableCommand {
                try await runnable.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            let isMisuse = code == .validationFailure
            let hint = isMisuse ? UnknownCommand.text(arguments) ?? FormHint.text(arguments) : nil
            let text = hint.map { "Error: " + $0 } ?? fullMessage(for: error)
            // Help is a result, too.
            if !text.isEmpty { if code == .success { Output.line(text) } else { Output.log(text) } }
            Glibc.exit(code.rawValue)
        }
    }

    private static func misuse(_ message: String) -> Never {
        Output.log("Error: " + message)
        Glibc.exit(ExitCode.validationFailure.rawValue)
    }
}

import ArgumentParser
import Connectors
import TaskGraph

/// `flowctl status`: how far every task is, from the databases themselves.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show each task's state, lag, backfill and slot, whether or not a runner is up.",
        discussion: """
            EXAMPLES
              flowctl status catalog.yaml
              flowctl status --watch catalog.yaml        # again every two seconds, until Ctrl-C
              flowctl status -o json catalog.yaml | jq '.tasks[] | select(.state == "failed")'

            Reads both databases and changes nothing in them. Exits with 69 where one of them can't be asked; what the \
            others say is shown all the same.
            """)

    @OptionGroup var options: CommonOptions

    @Flag(help: "Show it again every two seconds: drawn anew on a terminal, one object a line with -o json.")
    var watch = false

    @OptionGroup var tasks: TaskOptions

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    func run() async throws {
        let graph = try CatalogFile.compile(file, options)
        let only = try tasks.names(in: graph)
        let command = self
        let status = try await Interruption.run { stop in
            let shown = StatusWatch(
                reading: StatusReading(graph: graph, only: only), form: command.options.output,
                log: command.options.log, stop: stop)
            guard command.watch else { return shown.once() }
            shown.untilStopped()
            return .done
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }
}

import ArgumentParser
import Glibc
import TaskGraph

/// `flowctl delete`: takes away what `apply` made.
struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Take away what apply made for a catalog in both databases, after showing it.",
        discussion: """
            EXAMPLES
              flowctl delete catalog.yaml                  # shows it, and asks
              flowctl delete --yes catalog.yaml
              flowctl delete --drop-tables catalog.yaml    # the destination's tables too, with their rows

            The slot goes, the publication if flowctl made it and nobody else needs it, flowctl's own records of the \
            catalog's links, and its schema when that is empty. What stays is said, and why. Refused while a runner is up. \
            Can be run again where it was interrupted.
            """)

    @OptionGroup var options: CommonOptions

    @Flag(help: "Drop the destination's tables with their rows, too; not those that were adopted.")
    var dropTables = false

    @Flag(help: "Don't ask.")
    var yes = false

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    func run() async throws {
        let graph = try CatalogFile.compile(file, options)
        let mayAsk = !yes && file != "-" && isatty(STDIN_FILENO) == 1
        let command = self
        let status = try await Interruption.run { _ in
            DeleteRun(
                graph: graph, dropsTables: command.dropTables, form: command.options.output, log: command.options.log,
                isAgreed: { command.yes || (mayAsk && Delete.ask()) },
                refusal: mayAsk ? "nothing was removed" : "nothing was removed: off a terminal it takes --yes"
            ).run()
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }

    private static func ask() -> Bool {
        Output.write("Remove all of this? Type yes: ", to: STDERR_FILENO)
        return readLine() == "yes"
    }
}

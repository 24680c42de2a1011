import ArgumentParser
import TaskGraph

/// `flowctl check`: proves every prerequisite of every task.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Log in as the catalog's users and prove every prerequisite of every task, all at once.",
        discussion: """
            EXAMPLES
              flowctl check catalog.yaml
              flowctl check -o json catalog.yaml | jq 'select(.grade == "unmet")'

            Each thing that a task needs is tried in a transaction that is rolled back. What is unmet is listed with the SQL \
            or the step that mends it, and rights that no task needs with the SQL that takes them away. Exits with 69 where \
            something is unmet.
            """)

    @OptionGroup var options: CommonOptions

    @OptionGroup var tasks: TaskOptions

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    func run() async throws {
        let graph = try CatalogFile.compile(file, options)
        let only = try tasks.names(in: graph)
        let command = self
        let status = try await Interruption.run { _ in
            let report = CheckRun(graph: graph, only: only).run()
            Output.lines(command.options.output == .json ? report.json : report.text)
            return report.status
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }
}

import ArgumentParser
import Connectors
import TaskGraph

/// `flowctl retry`: stores what is parked.
struct Retry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Store the changes of tables that are parked since a row of theirs was refused.",
        discussion: """
            EXAMPLES
              flowctl retry catalog.yaml
              flowctl retry --table public.orders catalog.yaml
              flowctl retry -o json catalog.yaml | jq 'select(.state == "parked")'

            With onRowError: quarantine a table is parked when the destination refuses one of its rows. Mend what refused it \
            first; flowctl status says what that was. A runner may be up: it goes on with the table from its next commit on.
            """)

    @OptionGroup var options: CommonOptions

    @OptionGroup var tasks: TaskOptions

    @Option(
        name: .customLong("table"), parsing: .singleValue,
        help: .init("Only this destination table, schema.table; once more for each further one.", valueName: "table"))
    var tables: [String] = []

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    func run() async throws {
        let graph = try CatalogFile.compile(file, options)
        let only = try tasks.names(in: graph)
        let known = graph.materializations.flatMap { task in task.bindings.map { "\($0.schema).\($0.table)" } }
        for table in tables where !known.contains(table) {
            throw ValidationError("the catalog has no destination table '\(table)'; write it as schema.table")
        }
        let command = self
        let status = try await Interruption.run { stop in
            RetryRun(graph: graph, only: only, tables: command.tables, form: command.options.output, stop: stop).run()
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }
}

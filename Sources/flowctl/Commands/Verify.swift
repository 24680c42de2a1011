import ArgumentParser
import Connectors
import TaskGraph

/// `flowctl verify`: proves that source and destination hold the same rows.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Prove that source and destination hold the same rows, while both go on; list the keys that differ.",
        discussion: """
            EXAMPLES
              flowctl verify catalog.yaml
              flowctl verify --task shop/warehouse --keys 100 catalog.yaml
              flowctl verify -o json catalog.yaml | jq 'select(.state == "different")'

            Compares the text of every value of every row, without locks and without holding up a runner. Exits with 0 where \
            all tables are equal, with 1 where rows differ, and with 69 where something could not be proven, which is said \
            with the reason. Append-only tables are not verified.
            """)

    @OptionGroup var options: CommonOptions

    @OptionGroup var tasks: TaskOptions

    @Option(help: "Keys that are listed of each table; the others are counted.")
    var keys = 20

    @Option(help: "Seconds that the destination is waited for before a row that differs is left unproven.")
    var timeout = 60

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    func validate() throws {
        guard (0...100_000).contains(keys), (0...86_400).contains(timeout) else {
            throw ValidationError("--keys is from 0 to 100000, and --timeout from 0 to 86400.")
        }
    }

    func run() async throws {
        let graph = try CatalogFile.compile(file, options)
        let only = try tasks.names(in: graph)
        let command = self
        let status = try await Interruption.run { stop in
            VerifyRun(command: command, graph: graph, only: only, stop: stop).run()
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }
}

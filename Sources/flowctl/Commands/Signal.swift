import ArgumentParser
import TaskGraph

/// `flowctl signal`: asks a capture to read tables again, or steers what it was asked for.
struct Signal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal",
        abstract: "Have tables of a running capture read again, or stop, pause or resume that.",
        discussion: """
            EXAMPLES
              flowctl signal catalog.yaml --capture shop/source backfill --table public.orders
              flowctl signal catalog.yaml --capture shop/source backfill --table public.orders --where 'id > 1000'
              flowctl signal catalog.yaml --capture shop/source blocking      # all tables; changes wait meanwhile
              flowctl signal catalog.yaml --capture shop/source pause

            Writes a row into the capture's signal table (advanced.signalTable) as the capture's own user, or for a capture \
            that never writes to its source (advanced.read_only_capture) a line into a file beside the catalog. What is sent \
            while no runner is up waits for one, and flowctl status shows what became of it. Rows that the source no longer has are removed, but not where there is \
            --where.
            """)

    @OptionGroup var options: CommonOptions

    @Option(help: .init("The capture that is to hear it.", valueName: "name"))
    var capture: String

    @Option(
        name: .customLong("table"), parsing: .singleValue,
        help: .init(
            "Only this table of the source, schema.table; once more for each further one. All captured ones by default.",
            valueName: "table"))
    var tables: [String] = []

    @Option(
        name: .customLong("where"),
        help: .init("With backfill: SQL that a row must satisfy to be read.", valueName: "SQL"))
    var condition: String?

    @Option(
        help: .init(
            "With backfill and blocking: the unique column in whose order tables are read.", valueName: "column"))
    var surrogateKey: String?

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    @Argument(help: "What to do: backfill, blocking, stop, pause or resume.")
    var action: SignalAction

    mutating func validate() throws {
        if condition != nil, action != .backfill {
            throw ValidationError("--where goes with backfill: nothing else reads some rows of a table")
        }
        if surrogateKey != nil, action != .backfill, action != .blocking {
            throw ValidationError("--surrogate-key goes with backfill and blocking")
        }
    }

    func run() async throws {
        let graph = try CatalogFile.compile(file, options)
        let run = try SignalRun(graph: graph, command: self)
        let status = try await Interruption.run { _ in run.run() }
        if status != .done { throw ExitCode(status.rawValue) }
    }
}

/// What a signal asks for.
enum SignalAction: String, CaseIterable, ExpressibleByArgument {
    case backfill, blocking, stop, pause, resume
}

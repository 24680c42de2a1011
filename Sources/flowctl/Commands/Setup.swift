import ArgumentParser
import Postgres
import TaskGraph

/// `flowctl setup`: what an administrator does before a catalog can run.
struct Setup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: "Print the SQL and the console steps that make both databases ready for a catalog, or run the SQL.",
        discussion: """
            EXAMPLES
              flowctl setup --platform rds catalog.yaml
              flowctl setup --side source catalog.yaml | psql -h db.example.com -U admin shop
              flowctl setup --apply --source-admin postgres://admin@db/shop --destination-admin postgres://me@wh/w catalog.yaml

            The statements give each user what its task needs and no more, and can be run again. Printing connects to nothing \
            and shows no password; --apply gives new users the passwords that the catalog refers to.
            """)

    @OptionGroup var options: CommonOptions

    @Option(
        help: """
            Where the databases run: \(Platform.allCases.map(\.rawValue).joined(separator: ", ")). \
            With --apply the servers are asked, else it is self-hosted.
            """)
    var platform: Platform?

    @Option(help: "Where the destination runs, if elsewhere than the source.")
    var destinationPlatform: Platform?

    @Option(help: "A role to hold the grants; the catalog's users become its members.")
    var role: String?

    @Option(help: "Only this half: source, destination.")
    var side: SetupSide?

    @Flag(help: "Run the SQL as an administrator.")
    var apply = false

    @Option(help: "The administrator at the source: user and password of a URL; host and database are the catalog's.")
    var sourceAdmin: String?

    @Option(help: "The administrator at the destination.")
    var destinationAdmin: String?

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    func validate() throws {
        guard apply else { return }
        if side != .destination, sourceAdmin == nil {
            throw ValidationError("--apply needs --source-admin (or --side destination).")
        }
        if side != .source, destinationAdmin == nil {
            throw ValidationError("--apply needs --destination-admin (or --side source).")
        }
    }

    func run() async throws {
        let graph = try CatalogFile.compile(file, options)
        let command = self
        let status = try await Interruption.run { _ in SetupRun(command: command, graph: graph).run() }
        if status != .done { throw ExitCode(status.rawValue) }
    }
}

/// One half of a catalog's databases.
enum SetupSide: String, CaseIterable, ExpressibleByArgument {
    case source, destination
}

extension Platform: ExpressibleByArgument {}

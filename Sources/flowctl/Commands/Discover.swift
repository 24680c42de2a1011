import ArgumentParser
import Connectors

/// `flowctl discover`: writes a catalog for the tables that a database has.
struct Discover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover",
        abstract: "Write a catalog for the tables of a database, or add what is new to one.",
        discussion: """
            EXAMPLES
              flowctl discover --source postgres://me@db.example.com/shop > shop.yaml
              flowctl discover --source postgres://me@db/shop --materialize postgres://me@wh/warehouse shop.yaml
              flowctl discover shop.yaml --capture shop/source --tables 'order*' 'sales.*'

            With FILE it edits that file in place: comments stay, and only what is new is added. A password in a URL is used to
            connect and never written; the catalog refers to an environment variable.
            """)

    @OptionGroup var options: CommonOptions

    @Option(help: "The database to capture from: postgres://user@host:port/database.")
    var source: String?

    @Option(help: "The capture of FILE whose database is looked at.")
    var capture: String?

    @Option(parsing: .upToNextOption, help: "Only tables of these schemas.")
    var schemas: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: "Only tables that match: * is any text, ? one character; with a dot it is schema.table.")
    var tables: [String] = []

    @Option(help: "Only tables of this list: CSV without header, a schema or schema.table a row.", completion: .file())
    var tablesCsv: String?

    @Flag(help: "Begin the collections' names with the database's.")
    var prefixDatabase = false

    @Option(help: "Begin all names with this.")
    var prefix: String?

    @Option(help: "The database that the tables go to: postgres://user@host:port/database.")
    var materialize: String?

    @Argument(
        help: "The catalog file to make or to add to; without one the catalog is printed.", completion: .catalogFile)
    var file: String?

    mutating func validate() throws {
        // A file behind the last of several names was taken for one of them.
        if file == nil, let last = tables.last ?? schemas.last, isCatalogName(last) {
            file = last
            if tables.isEmpty { schemas.removeLast() } else { tables.removeLast() }
        }
        guard (source == nil) != (capture == nil) else {
            throw ValidationError("Give either --source with a URL or --capture with a name and its FILE.")
        }
        guard capture == nil || file != nil else { throw ValidationError("--capture needs the FILE that defines it.") }
        guard tables.allSatisfy({ TablePattern($0) != nil }) else {
            throw ValidationError("A pattern of --tables is empty or ends in a lone backslash.")
        }
    }

    private func isCatalogName(_ text: String) -> Bool {
        [".yaml", ".yml", ".json"].contains { text.hasSuffix($0) && text.utf8.count > $0.utf8.count }
    }

    func run() async throws {
        let command = self
        let status = try await Interruption.run { _ in
            try DiscoverRun(command: command).run()
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }
}

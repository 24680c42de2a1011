import ArgumentParser
import Connectors
import Diagnostics
import TaskGraph

/// `flowctl preview`: what a capture reads, as documents.
struct Preview: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Print what a capture reads as documents, one a line, without any destination.",
        discussion: """
            EXAMPLES
              flowctl preview --capture shop/source --limit 10 catalog.yaml
              flowctl preview --timeout 30 catalog.yaml | jq -c 'select(.[0] == "shop/orders") | .[1]'

            A line is a JSON array of the collection's name and the document: first the rows that are there, then each change. \
            Reads through a temporary slot, which is gone when the command ends; nothing else is made. Columns that the \
            catalog blocks are not shown.
            """)

    @OptionGroup var options: CommonOptions

    @Option(help: .init("The capture; may be left out where the catalog has one.", valueName: "name"))
    var capture: String?

    @Option(help: .init("End after so many documents.", valueName: "n"))
    var limit: Int?

    @Option(help: .init("End after so many seconds.", valueName: "seconds"))
    var timeout: Int?

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    func validate() throws {
        guard limit ?? 1 > 0, (1...86_400).contains(timeout ?? 1) else {
            throw ValidationError("--limit is at least 1, and --timeout from 1 to 86400.")
        }
    }

    func run() async throws {
        let graph = try CatalogFile.compileToRun(file, options)
        let task = try task(in: graph)
        let command = self
        let status = try await Interruption.run { stop in
            PreviewRun(command: command, graph: graph, task: task, stop: stop).run()
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }

    private func task(in graph: CompiledGraph) throws -> CaptureTask {
        let names = graph.captures.map(\.name)
        let known = names.map { "'\($0)'" }.joined(separator: ", ")
        guard let wanted = capture ?? (names.count == 1 ? names.first : nil) else {
            throw ValidationError(
                names.isEmpty ? "the catalog has no capture" : "name one of the captures with --capture: \(known)")
        }
        guard let task = graph.captures.first(where: { $0.name == wanted }) else {
            let nearest = Suggestion.hint(for: wanted, among: names)
            throw ValidationError("the catalog has no capture '\(wanted)'; \(nearest ?? "it has \(known)")")
        }
        return task
    }
}

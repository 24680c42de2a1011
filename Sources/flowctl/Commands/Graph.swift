import ArgumentParser
import TaskGraph

/// `flowctl graph`: the compiled task graph.
struct Graph: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Print a catalog's task graph: what is captured, and where it goes.",
        discussion: """
            EXAMPLES
              flowctl graph catalog.yaml
              flowctl graph --format mermaid catalog.yaml   # for Markdown
              flowctl graph --format dot catalog.yaml | dot -Tsvg > graph.svg
            """)

    @OptionGroup var options: CommonOptions

    @Option(help: "The form of the graph: \(GraphFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: GraphFormat?

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    func run() throws {
        let graph = try CatalogFile.compile(file, options)
        Output.lines(graph.text(format ?? (options.output == .json ? .json : .text)))
    }
}

extension GraphFormat: ExpressibleByArgument {}

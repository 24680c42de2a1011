import ArgumentParser
import Catalog

/// `flowctl schema`: a JSON Schema for editors and pre-commit.
struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of catalogs, or of a connector's configs.",
        discussion: """
            EXAMPLES
              flowctl schema > catalog.schema.json   # with the connectors' schemas inside
              flowctl schema source-postgres   # endpoint config; the resource's is at $defs/resource
            """)

    @OptionGroup var options: CommonOptions

    @Argument(help: "The schema: \(SchemaName.allCases.map(\.rawValue).joined(separator: ", ")).")
    var name = SchemaName.catalog

    func run() {
        Output.lines(name.standalone)
    }
}

extension SchemaName: ExpressibleByArgument {}

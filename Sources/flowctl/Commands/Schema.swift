import ArgumentParser
import Catalog

/// `flowctl schema`: a JSON Schema for editors and pre-commit.
struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the JSON Schema of catalogs, or of a connector's configs.",
        discussion: """
            EXAMPLES
              flowctl schema > catalog.schema.json
              flowctl schema source-postgres   # endpoint config; the resource's is at $defs/resource
            """)

    @OptionGroup var options: CommonOptions

    @Argument(help: "The schema: \(SchemaName.allCases.map(\.rawValue).joined(separator: ", ")).")
    var name = SchemaName.catalog

    func run() {
        Output.lines(name.text)
    }
}

extension SchemaName: ExpressibleByArgument {}

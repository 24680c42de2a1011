import ArgumentParser
import Diagnostics
import Glibc
import TaskGraph

/// `flowctl validate`: checks catalogs without connecting to anything.
struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check catalogs offline: syntax, imports, schemas, names, references, connector configs.",
        discussion: """
            EXAMPLES
              flowctl validate catalog.yaml
              flowctl validate catalogs/*.yaml             # as pre-commit calls it
              flowctl validate --format github flow.yaml   # annotations in GitHub Actions
              cat flow.yaml | flowctl validate -

            Exits with 65 where a catalog has errors. `flowctl explain CODE` says more about a fault.
            """)

    @OptionGroup var options: CommonOptions

    @Option(help: "The form of the diagnostics: \(DiagnosticFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: DiagnosticFormat?

    @Argument(
        help: "Catalog files, each the root of a catalog of its own; - is standard input.", completion: .catalogFile)
    var files: [String]

    func run() throws {
        var compiler = CatalogCompiler()
        for file in files { _ = compiler.compile(file) }
        let found = compiler.diagnostics
        Output.lines(
            found.render(
                format ?? (options.output == .json ? .json : .human), files: files.count,
                colour: Output.hasColour(STDOUT_FILENO),
                version: Flowctl.configuration.version))
        // Ends here, because giving back the memory of a large catalog piece by piece takes longer than a small one's check.
        withExtendedLifetime(compiler) { Glibc.exit(found.hasErrors ? ExitStatus.catalogInvalid.rawValue : 0) }
    }
}

import ArgumentParser
import Catalog
import Diagnostics
import Glibc

/// `flowctl test`: runs catalogs' tests in memory.
struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the tests of catalogs offline: documents in, reductions, documents expected.",
        discussion: """
            EXAMPLES
              flowctl test catalog.yaml
              flowctl test --format tap catalogs/*.yaml | prove -e cat -

            Exits with 1 where a test fails, with 65 where a catalog has errors: then nothing is run.
            """)

    @OptionGroup var options: CommonOptions

    @Option(help: "The form of the results: \(TestReport.Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: TestReport.Format?

    @Argument(
        help: "Catalog files, each the root of a catalog of its own; - is standard input.",
        completion: .catalogFile)
    var files: [String]

    func run() throws {
        var reading = CatalogReading(schemas: .embedded)
        var diagnostics = DiagnosticCollector()
        let catalogs = files.map { reading.read($0, &diagnostics) }
        if diagnostics.hasErrors || diagnostics.warningCount > 0 {
            CatalogFile.show(diagnostics, files: files.count, options)
        }
        if diagnostics.hasErrors { throw ExitCode(ExitStatus.catalogInvalid.rawValue) }
        let colour = Output.hasColour(STDOUT_FILENO)
        let report = TestReport(
            format: format ?? (options.output == .json ? .json : .human), secrets: diagnostics.secrets, colour: colour)
        let outcomes = outcomes(catalogs)
        Output.lines(report.text(outcomes))
        if outcomes.contains(where: { !$0.isPassed }) { throw ExitCode(ExitStatus.differences.rawValue) }
    }

    /// One for each test; a test that several catalogs import is run once.
    private func outcomes(_ catalogs: [CatalogSpecs]) -> [TestOutcome] {
        var known: Set<SourceRange> = []
        return catalogs.flatMap { catalog in
            let run = TestRun(catalog)
            return catalog.tests.filter { known.insert($0.name.range).inserted }.map(run.run)
        }
    }
}

extension TestReport.Format: ExpressibleByArgument {}

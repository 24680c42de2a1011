import ArgumentParser
import Diagnostics
import JSON
import TaskGraph

/// `flowctl diff`: what a change of a catalog means.
struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say what a change of a catalog means: tables read again, tables rebuilt, tasks that come and go.",
        discussion: """
            EXAMPLES
              flowctl diff old.yaml new.yaml
              flowctl diff HEAD:catalogs/shop.yaml catalogs/shop.yaml   # what is not committed yet
              flowctl diff main:flow.yaml HEAD:flow.yaml                # what a branch changes
              flowctl diff -o json HEAD:./flow.yaml flow.yaml

            Connects to nothing. Imports are taken from the same revision. Exits with 0 whether or not there are differences.
            """)

    @OptionGroup var options: CommonOptions

    @Argument(help: "The catalog as it was: a file, or REV:FILE of git.", completion: .catalogFile)
    var old: String

    @Argument(help: "The catalog as it is to be: a file, or REV:FILE of git.", completion: .catalogFile)
    var new: String

    func run() throws {
        let before = try snapshot(old)
        let after = try snapshot(new)
        let changes = CatalogDifference.changes(from: before, to: after)
        if options.output == .json {
            for change in changes { Output.line(JSONWriter.write(change.json, .spaced)) }
            return
        }
        if changes.isEmpty { Output.line("no differences") }
        for change in changes {
            let table = change.table.map { ", table \($0)" } ?? ""
            Output.line(
                "[\(change.effect.rawValue)] \(change.subject.rawValue) \(change.name)\(table) \(change.change)")
            Output.line("    \(change.meaning)")
        }
        if let worst = changes.map(\.effect).max() {
            let count = changes.count { $0.effect == worst }
            Output.line(
                "\(changes.count) change\(changes.count == 1 ? "" : "s"); \(count) of effect '\(worst.rawValue)'")
        }
    }

    /// A side of the comparison; ends with the exit code for an invalid catalog where it is at fault.
    private func snapshot(_ argument: String) throws -> CatalogSnapshot {
        let revision: CatalogRevision?
        do throws(CatalogRevision.Failure) {
            revision = try CatalogRevision(argument)
        } catch {
            Output.log("flowctl: \(error.message)")
            throw ExitCode(ExitStatus.catalogInvalid.rawValue)
        }
        var compiler = CatalogCompiler()
        let snapshot = compiler.snapshot(revision?.path ?? argument)
        guard compiler.diagnostics.hasErrors else { return snapshot }
        let format: DiagnosticFormat = options.output == .json || options.logFormat == .json ? .json : .human
        let text = compiler.diagnostics.render(format, files: 1, colour: Output.hasColour)
        Output.log(lines: revision?.named(text) ?? text)
        throw ExitCode(ExitStatus.catalogInvalid.rawValue)
    }
}

import ArgumentParser
import JSON
import TaskGraph

/// `flowctl plan`: what an apply would do.
struct Plan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what apply would change in both databases, statement for statement, and change nothing.",
        discussion: """
            EXAMPLES
              flowctl plan catalog.yaml
              flowctl plan --detailed-exitcode catalog.yaml      # 0 for no changes, 2 for some
              flowctl plan --out plan.json catalog.yaml          # and then: flowctl apply plan.json
              flowctl plan -o json catalog.yaml | jq -r '.databases[].changes[].sql'

            Says all that check says, and each statement for publication, slot, schemas, types and tables with the locks it \
            takes and who must run it; the rows that will be copied; and what would be destroyed, which apply refuses \
            without --allow-destructive. Exits with 69 where something is unmet.
            """)

    @OptionGroup var options: CommonOptions

    @Flag(help: "Exit with 2 where there are changes, with 0 where there are none.")
    var detailedExitcode = false

    @Option(
        help:
            "Also write the plan to this file, for apply; an older plan there goes first, and none is written where something is unmet.",
        completion: .file())
    var out: String?

    @OptionGroup var tasks: TaskOptions

    @Argument(help: "The catalog file; - is standard input.", completion: .catalogFile)
    var file: String

    func run() async throws {
        if out != nil, file == "-" { throw ValidationError("--out needs a catalog that apply can read again: a file.") }
        if let reason = out.flatMap(PlanFile.makePlace) { throw ValidationError("--out: \(reason).") }
        let (graph, files) = try CatalogFile.compileToPlan(file, options)
        let only = try tasks.names(in: graph)
        if let reason = TaskOptions.obstacle(to: only, in: graph) { throw ValidationError(reason) }
        let command = self
        let status = try await Interruption.run { _ in
            let report = PlanRun(graph: graph, only: only).run()
            if command.options.output == .json {
                Output.line(JSONWriter.write(report.json, .spaced))
            } else {
                Output.lines(PlanText(hasColour: Output.hasColour(1)).text(report))
            }
            if let out = command.out, report.check.status != .done {
                command.options.log.write(.error, "flowctl: no plan was written to \(out): something is unmet")
            } else if let out = command.out {
                let plan = PlanFile(catalog: command.file, tasks: only, files: files, plan: report.json)
                do {
                    try WholeFile.write(out, Array(plan.text.utf8))
                } catch {
                    command.options.log.write(.error, "flowctl: \(error)")
                    return ExitStatus(error)
                }
            }
            return report.status(isDetailed: command.detailedExitcode)
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }
}

import ArgumentParser
import Connectors
import Runtime
import TaskGraph

/// `flowctl apply`: runs every task of a catalog until it is asked to stop.
struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Run a catalog's pipelines: backfill, then stream changes, exactly once, until stopped.",
        discussion: """
            EXAMPLES
              flowctl apply catalog.yaml
              flowctl apply --once catalog.yaml          # stop when all that the source has now is there
              flowctl apply --task shop/source --task shop/warehouse catalog.yaml
              flowctl apply plan.json                    # what flowctl plan --out plan.json wrote, if it still holds
              flowctl apply -o json catalog.yaml | jq .  # events, one object a line

            The first SIGINT, SIGTERM or SIGHUP stops gracefully, a second SIGINT or SIGTERM at once.
            """)

    @OptionGroup var options: CommonOptions

    @Flag(help: "Stop once everything that the source had committed when the backfills ended is at every destination.")
    var once = false

    @Flag(help: "Make publications, slots and tables, and move no rows.")
    var provisionOnly = false

    @Flag(help: "Empty destination tables where a raised `backfill` of a materialization's binding asks for it.")
    var allowDestructive = false

    @OptionGroup var tasks: TaskOptions

    @Argument(help: "The catalog file, or a plan that flowctl plan --out wrote.", completion: .catalogFile)
    var file: String

    func run() async throws {
        let plan: PlanFile?
        do {
            plan = try PlanFile.read(file)
        } catch {
            options.log.write(.error, "flowctl: \(error)")
            throw ExitCode(ExitStatus(error).rawValue)
        }
        if plan != nil, !tasks.tasks.isEmpty { throw ValidationError("a plan has its tasks: leave --task out.") }
        let (graph, files) = try CatalogFile.compileToPlan(plan?.catalog ?? file, options)
        try refuse(plan?.moved(files) ?? [])
        let only = try plan.map { Set($0.tasks) } ?? tasks.names(in: graph)
        if let reason = TaskOptions.obstacle(to: only, in: graph) { throw ValidationError(reason) }
        let command = self
        let human = HumanEvents(log: options.log)
        let events: any RunObserver = options.output == .json ? JSONEvents(log: options.log) : human
        let observer = PlacingObserver(graph: graph, next: events)
        let status = try await Interruption.run(
            onRequest: { human.say("stopping    at the end of what is open; a second signal ends it at once") },
            { stop -> ExitStatus in
                if let plan {
                    let moved = plan.moved(PlanRun(graph: graph, only: only).run())
                    guard moved.isEmpty else {
                        command.say(moved)
                        return .unavailable
                    }
                }
                return human.following {
                    ApplyRun(
                        observer: observer, stop: stop, once: command.once, provisionOnly: command.provisionOnly,
                        mayDestroy: command.allowDestructive
                    ).run(PipelineAssembly(graph: graph, only: only))
                }
            })
        if status != .done { throw ExitCode(status.rawValue) }
    }

    private func refuse(_ moved: [String]) throws {
        guard !moved.isEmpty else { return }
        say(moved)
        throw ExitCode(ExitStatus.unavailable.rawValue)
    }

    private func say(_ moved: [String]) {
        options.log.write(
            .error,
            "flowctl: the plan no longer holds; make it anew with flowctl plan --out\n"
                + moved.map { "  \($0)" }.joined(separator: "\n"))
    }
}

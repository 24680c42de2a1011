import Connectors
import JSON
import Runtime
import TaskGraph

/// One run of `flowctl retry`: drains the parks of a catalog's links, one link after the other.
struct RetryRun {
    let graph: CompiledGraph
    /// Only links of these tasks, where there are any.
    let only: Set<String>
    /// Only these destination tables, where there are any.
    let tables: [String]
    let form: OutputForm
    let stop: StopSignal

    /// Blocks until all is drained that can be; says what to exit with.
    func run() -> ExitStatus {
        var status = ExitStatus.done
        var count = 0
        do {
            for pipeline in try PipelineAssembly(graph: graph).pipelines() {
                for plan in pipeline.links where isWanted(plan.spec) {
                    let bindings = plan.spec.bindings.indices.filter { isWanted(plan.spec.bindings[$0]) }
                    let drain = ParkDrain(link: plan.spec, materialization: plan.materialization, stop: stop)
                    let outcomes = try drain.run(Set(bindings))
                    count += outcomes.count
                    for outcome in outcomes {
                        tell(outcome, plan.spec)
                        if let error = outcome.error { status = ExitStatus(error) }
                    }
                }
            }
        } catch {
            let hint = (error as? RunError)?.hint
            Output.log("error: \(error)" + (hint.map { "\nhint: \($0)" } ?? ""))
            return ExitStatus(error)
        }
        if count == 0, form == .human { Output.line("nothing is parked") }
        return status
    }

    private func isWanted(_ link: LinkSpec) -> Bool {
        only.isEmpty || only.contains(link.materialization) || only.contains(link.capture)
    }

    private func isWanted(_ binding: LinkBinding) -> Bool {
        tables.isEmpty || tables.contains("\(binding.schema).\(binding.name)")
    }

    private func tell(_ outcome: ParkDrain.Outcome, _ link: LinkSpec) {
        let binding = link.bindings[outcome.binding]
        let table = "\(binding.schema).\(binding.name)"
        guard form == .human else {
            var object = JSONObject()
            object["task"] = .string(link.materialization)
            object["table"] = .string(table)
            object["changes"] = .int(Int(outcome.changes))
            object["state"] = .string(outcome.isDrained ? "streaming" : "parked")
            object["error"] = outcome.error.map { .string($0.description) } ?? .null
            object["hint"] = outcome.error?.hint.map { .string($0) } ?? .null
            return Output.line(JSONWriter.write(.object(object), .spaced))
        }
        let stored = "\(link.materialization) \(table): \(outcome.changes) changes stored"
        guard let error = outcome.error else {
            return Output.line(
                stored + (outcome.isDrained ? ", the table takes its changes again" : ", the rest still waits"))
        }
        Output.line(stored + ", still parked")
        Output.log("error: \(error)" + (error.hint.map { "\nhint: \($0)" } ?? ""))
    }
}

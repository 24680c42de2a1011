import Connectors
import Runtime
import TaskGraph

/// One run of `verify`: every link of the catalog, one after another; each table is reported as soon as it is known.
struct VerifyRun {
    let command: Verify
    let graph: CompiledGraph
    let only: Set<String>
    let stop: StopSignal

    func run() -> ExitStatus {
        var report = VerifyReport()
        do {
            for pipeline in try PipelineAssembly(graph: graph).pipelines() {
                for link in pipeline.links where isWanted(link.spec) {
                    guard let materialization = link.materialization as? any ComparableMaterialization else { continue }
                    try LinkVerification(
                        capture: pipeline.capture, materialization: materialization, link: link.spec,
                        listed: command.keys, patience: Double(command.timeout), stop: stop
                    ).run { finding in
                        report.add(finding)
                        Output.lines(
                            command.options.output == .json ? VerifyReport.json(finding) : VerifyReport.text(finding))
                    }
                }
            }
        } catch {
            let known = error as? RunError
            command.options.log.write(
                .error, "error: \(error)" + (known?.hint.map { "\nhint: \($0)" } ?? ""))
            return stop.isRequested ? .unavailable : ExitStatus(error)
        }
        Output.lines(command.options.output == .json ? report.jsonSummary : report.summary)
        return report.status
    }

    private func isWanted(_ link: LinkSpec) -> Bool {
        only.isEmpty || only.contains(link.capture) || only.contains(link.materialization)
    }
}

import Connectors
import MaterializePostgres
import Postgres
import SourcePostgres
import TaskGraph

/// Checks every task of a catalog that runs: sources first, since destinations are tried with the tables found there.
struct CheckRun {
    private var graph: CompiledGraph
    private let only: Set<String>

    init(graph: CompiledGraph, only: Set<String>) {
        self.graph = graph
        self.only = only
    }

    func run() -> CheckReport {
        var report = CheckReport(tasks: [])
        let readable = withoutUnreadable(&report)
        do {
            for pipeline in try PipelineAssembly(graph: readable).pipelines() where isWanted(pipeline) {
                check(pipeline, &report)
            }
        } catch {
            let message = (error as? RunError).map { "\($0)" } ?? "\(error)"
            report.tasks.append(
                .init(name: "catalog", kind: "the", findings: [Prerequisite(.unmet, "catalog", message)]))
        }
        return report
    }

    private func isWanted(_ pipeline: PipelineAssembly.Pipeline) -> Bool {
        only.isEmpty || only.contains(pipeline.capture.name)
            || pipeline.links.contains { only.contains($0.spec.materialization) }
    }

    /// The graph without tasks whose secrets can't be read; each is a finding, so that all are told at once.
    private func withoutUnreadable(_ report: inout CheckReport) -> CompiledGraph {
        var graph = graph
        func finding(_ task: String, _ kind: String, _ body: () throws -> Void) -> Bool {
            do {
                try body()
                return false
            } catch {
                let known = error as? RunError
                let found = Prerequisite(
                    .unmet, known?.object ?? "config", known?.message ?? "it can't be read",
                    known?.hint.map { .step($0) })
                report.tasks.append(.init(name: task, kind: kind, findings: [found]))
                return true
            }
        }
        for index in graph.captures.indices where !graph.captures[index].isDisabled {
            let task = graph.captures[index]
            graph.captures[index].isDisabled = finding(task.name, "capture") {
                let config = try SecretResolution(
                    folder: task.configFolder, task: task.name, run: ChildProcess.output(of:)
                ).resolve(task.config)
                _ = try PostgresCaptureConfig(config)
            }
        }
        for index in graph.materializations.indices where !graph.materializations[index].isDisabled {
            let task = graph.materializations[index]
            graph.materializations[index].isDisabled = finding(task.name, "materialization") {
                let config = try SecretResolution(
                    folder: task.configFolder, task: task.name, run: ChildProcess.output(of:)
                ).resolve(task.config)
                _ = try PostgresMaterialization.Config(config)
            }
        }
        return graph
    }

    private func check(_ pipeline: PipelineAssembly.Pipeline, _ report: inout CheckReport) {
        let specs = pipeline.links.map(\.spec)
        let checkpoints = pipeline.links.map { link in
            (try? link.materialization.status())?.first { $0.capture == link.spec.capture }.flatMap { stored in
                stored.position.map { LinkCheckpoint(position: $0, captureState: stored.captureState ?? "") }
            }
        }
        let source = pipeline.capture.check(specs, checkpoints: checkpoints)
        report.tasks.append(.init(name: pipeline.capture.name, kind: "capture", findings: source.findings))
        for link in pipeline.links {
            let found =
                (link.materialization as? any CheckedMaterialization)?.check(link.spec, shapes: source.shapes) ?? []
            if let place = report.tasks.firstIndex(where: {
                $0.name == link.spec.materialization && $0.kind == "materialization"
            }) {
                report.tasks[place].findings += found.filter { !report.tasks[place].findings.contains($0) }
            } else {
                report.tasks.append(
                    .init(name: link.spec.materialization, kind: "materialization", findings: found))
            }
        }
    }
}

import Connectors
import MaterializePostgres
import Postgres
import Runtime
import SourcePostgres
import TaskGraph

/// Finds out what an apply of a catalog's tasks would do. Both databases are asked as the catalog's users; nothing is made.
struct PlanRun {
    let graph: CompiledGraph
    let only: Set<String>

    /// All prerequisites, and all changes that can be told in spite of them.
    func run() -> PlanReport {
        var report = PlanReport(endpoints: [], check: CheckRun(graph: graph, only: only).run())
        // What keeps the tasks from being put together is a finding of the check.
        guard let pipelines = try? PipelineAssembly(graph: graph, only: only).pipelines() else { return report }
        PlanRun.add(pipelines, to: &report)
        return report
    }

    private static func add(_ pipelines: [PipelineAssembly.Pipeline], to report: inout PlanReport) {
        let plans = ThreadGroup.map(pipelines) { PipelinePlan(capture: $0.capture, links: $0.links) }
        for (pipeline, plan) in zip(pipelines, plans) {
            var source = endpoint(.source, plan.capture, pipeline.capture.connection)
            source.changes = plan.changes
            report.endpoints.append(source)
            for error in plan.refusals { report.refuse(error, "capture", plan.capture) }
            for (link, runner) in zip(plan.links, pipeline.links) {
                guard let materialization = runner.materialization as? PostgresMaterialization else { continue }
                report.add(link, endpoint(.destination, materialization.name, materialization.config.connection))
            }
        }
    }

    private static func endpoint(
        _ side: PlanReport.Endpoint.Side, _ task: String, _ connection: ConnectionParameters
    ) -> PlanReport.Endpoint {
        PlanReport.Endpoint(
            side: side, task: task, address: "\(connection.host):\(connection.port)", database: connection.database,
            role: connection.user)
    }
}

extension PlanReport {
    /// A destination that several captures feed is shown once; what each of them would make first is made by one.
    fileprivate mutating func add(_ link: PipelinePlan.Link, _ new: Endpoint) {
        let place =
            endpoints.firstIndex { $0.side == .destination && $0.task == new.task }
            ?? {
                endpoints.append(new)
                return endpoints.count - 1
            }()
        for change in link.changes {
            let isShared =
                change.binding == nil || change.object.hasPrefix("schema ") || change.object.hasPrefix("type ")
            if isShared, endpoints[place].changes.contains(where: { $0.sql == change.sql }) { continue }
            endpoints[place].changes.append(change)
        }
        endpoints[place].backfills += link.backfills
        endpoints[place].remarks += link.remarks
        endpoints[place].notes += link.notes.filter { !endpoints[place].notes.contains($0) }
        for error in link.refusals { refuse(error, "materialization", link.spec.materialization) }
    }

    /// What would stop the run is a prerequisite too, unless the check has named it already.
    fileprivate mutating func refuse(_ error: RunError, _ kind: String, _ task: String) {
        var place = check.tasks.firstIndex { $0.kind == kind && $0.name == task }
        if let known = place {
            let object = (error.object ?? "").replacing("\"", with: "")
            let isKnown = check.tasks[known].findings.contains { finding in
                guard finding.message != error.message else {
                    return finding.object.replacing("\"", with: "") == object
                }
                return finding.grade == .unmet && error.message != Prerequisite.isNotOwner
                    && (error.binding == nil || finding.object.replacing("\"", with: "") == object
                        || !finding.object.hasPrefix("table "))
            }
            if isKnown { return }
        } else {
            check.tasks.append(.init(name: task, kind: kind, findings: []))
            place = check.tasks.count - 1
        }
        guard let place else { return }
        check.tasks[place].findings.append(
            Prerequisite.unmet(error, error.object ?? task, role: endpoints.first { $0.task == task }?.role))
    }
}

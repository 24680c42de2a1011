import Connectors
import MaterializePostgres
import Postgres
import Runtime
import TaskGraph

/// Asks the databases how a catalog's tasks stand, all sources at once and then all destinations at once. Changes nothing.
///
/// Sources first: a destination that has passed the place where its source's log ended as it was asked is not behind.
struct StatusReading {
    let graph: CompiledGraph
    /// Only tasks of these names, where there are any.
    var only: Set<String> = []
    /// Made at the first reading, and kept for the next ones.
    private let connectors = StatusConnectors()

    init(graph: CompiledGraph, only: Set<String> = []) {
        self.graph = graph
        self.only = only
    }

    /// Blocks until everybody has answered or given up.
    func read() -> StatusReport {
        let links = graph.links.filter { link in
            isWanted(graph.captures[link.capture].name) || isWanted(graph.materializations[link.materialization].name)
        }
        let captures = graph.captures.indices.filter { index in
            !graph.captures[index].isDisabled
                && (isWanted(graph.captures[index].name) || links.contains { $0.capture == index })
        }
        let materializations = graph.materializations.indices.filter { index in
            !graph.materializations[index].isDisabled
                && (isWanted(graph.materializations[index].name) || links.contains { $0.materialization == index })
        }
        let sources = ThreadGroup.map(captures) { index in
            asking(graph.captures[index].name) {
                try connectors.capture(graph.captures[index]).status()
            }
        }
        let destinations = ThreadGroup.map(materializations) { index in
            asking(graph.materializations[index].name) {
                try connectors.materialization(graph.materializations[index]).status()
            }
        }
        let composition = StatusComposition(
            graph: graph, sources: Dictionary(uniqueKeysWithValues: zip(captures, sources)),
            destinations: Dictionary(uniqueKeysWithValues: zip(materializations, destinations)))
        let failures =
            StatusReading.failures(captures.map { graph.captures[$0].name }, sources)
            + StatusReading.failures(materializations.map { graph.materializations[$0].name }, destinations)
        return StatusReport(tasks: composition.tasks().filter { isWanted($0.name) }, failures: failures)
    }

    private func isWanted(_ name: String) -> Bool { only.isEmpty || only.contains(name) }

    /// The connector of a materialization, with its secrets resolved.
    static func materialization(_ task: MaterializationTask) throws -> any Materialization {
        let config = try SecretResolution(folder: task.configFolder, task: task.name, run: ChildProcess.output(of:))
            .resolve(task.config)
        return PostgresMaterialization(name: task.name, config: try PostgresMaterialization.Config(config))
    }

    private func asking<Answer>(_ task: String, _ body: () throws -> Answer) -> Result<Answer, RunError> {
        do {
            return .success(try body())
        } catch {
            var known = error as? RunError ?? RunError(.internal, operation: "ask", message: "\(error)")
            known.task = task
            if known.kind == .authentication { connectors.forget(task) }
            return .failure(known)
        }
    }

    private static func failures<Answer>(
        _ tasks: [String], _ answers: [Result<Answer, RunError>]
    ) -> [StatusReport.Failure] {
        zip(tasks, answers).compactMap { task, answer in
            guard case .failure(let error) = answer else { return nil }
            return StatusReport.Failure(task: task, error: error)
        }
    }
}

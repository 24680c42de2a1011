import Connectors
import Runtime
import TaskGraph

/// Adds to every error where the catalog speaks of what it is about, for people to go there.
struct PlacingObserver: RunObserver {
    let graph: CompiledGraph
    let next: any RunObserver

    func record(_ event: RunEvent) {
        var event = event
        if let error = event.error, error.place == nil { event.error?.place = place(of: error, task: event.task) }
        next.record(event)
    }

    func committed(task: String, binding: String, changes: Int, position: LogPosition, time: Int64) {
        next.committed(task: task, binding: binding, changes: changes, position: position, time: time)
    }

    /// The binding where one is concerned, else the task's endpoint config.
    private func place(of error: RunError, task: String?) -> String? {
        let name = error.task ?? task
        if let capture = graph.captures.first(where: { $0.name == name }) {
            let binding = capture.bindings.first { $0.index == error.binding }
            return (binding?.range ?? capture.configRange ?? capture.range)?.description
        }
        guard let materialization = graph.materializations.first(where: { $0.name == name }) else { return nil }
        let binding = materialization.bindings.first { $0.index == error.binding }
        return (binding?.range ?? materialization.configRange ?? materialization.range)?.description
    }
}

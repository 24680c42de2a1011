import ArgumentParser
import Diagnostics
import TaskGraph

/// `--task`: the tasks that a command is about, by name.
struct TaskOptions: ParsableArguments {
    @Option(
        name: .customLong("task"), parsing: .singleValue,
        help: .init("Only this task; once more for each further one, or several joined by commas.", valueName: "name"))
    var tasks: [String] = []

    /// The names given; empty for all tasks. Throws a usage error for a task that the catalog doesn't have.
    func names(in graph: CompiledGraph) throws -> Set<String> {
        let names = tasks.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        let known = graph.captures.map(\.name) + graph.materializations.map(\.name)
        for name in names where !known.contains(name) {
            let nearest = Suggestion.hint(for: name, among: known)
            throw ValidationError(
                "the catalog has no task '\(name)'"
                    + (nearest.map { "; \($0)" } ?? "; it has \(TaskOptions.list(known))"))
        }
        return Set(names)
    }

    /// Why one of the tasks could not move a row if only these ran; nil where all can, and for no names.
    static func obstacle(to names: Set<String>, in graph: CompiledGraph) -> String? {
        for task in graph.captures where names.contains(task.name) {
            if task.isDisabled { return "capture '\(task.name)' is disabled in the catalog" }
            let fed = graph.links.map { (graph.captures[$0.capture], graph.materializations[$0.materialization]) }
                .filter { $0.0.name == task.name && !$0.1.isDisabled }.map(\.1.name)
            if fed.isEmpty { return "capture '\(task.name)' feeds no enabled materialization" }
            if names.isDisjoint(with: fed) {
                return "capture '\(task.name)' can't run alone: add --task for what it feeds, \(list(fed, "or"))"
            }
        }
        for task in graph.materializations where names.contains(task.name) {
            if task.isDisabled { return "materialization '\(task.name)' is disabled in the catalog" }
            let sources = graph.links.map { (graph.captures[$0.capture], graph.materializations[$0.materialization]) }
                .filter { $0.1.name == task.name && !$0.0.isDisabled }.map(\.0.name)
            if sources.isEmpty { return "no enabled capture feeds materialization '\(task.name)'" }
            if names.isDisjoint(with: sources) {
                return
                    "materialization '\(task.name)' can't run alone: add --task for what feeds it, \(list(sources, "or"))"
            }
        }
        return nil
    }

    private static func list(_ names: [String], _ conjunction: String = "and") -> String {
        let shown = names.prefix(8).map { "'\($0)'" }
        if names.count > shown.count { return shown.joined(separator: ", ") + " and \(names.count - shown.count) more" }
        guard shown.count > 1, let last = shown.last else { return shown.first ?? "none" }
        return shown.dropLast().joined(separator: ", ") + " \(conjunction) \(last)"
    }
}

/// A task graph as indented lines for people.
enum TextGraph {
    /// The text, with a line break at its end.
    static func text(_ graph: CompiledGraph) -> String {
        var lines: [String] = []
        for task in graph.captures {
            lines.append("capture \(task.name) (\(task.connector))" + disabled(task.isDisabled))
            for binding in task.bindings {
                let table = "\(binding.namespace).\(binding.stream)"
                lines.append("  \(table) -> \(binding.collection)" + disabled(binding.isDisabled))
            }
        }
        for task in graph.materializations {
            lines.append("materialization \(task.name) (\(task.connector))" + disabled(task.isDisabled))
            for binding in task.bindings {
                let table = "\(binding.schema).\(binding.table)"
                let delta = binding.deltaUpdates ? " (delta updates)" : ""
                lines.append("  \(binding.collection) -> \(table)" + delta + disabled(binding.isDisabled))
            }
        }
        for link in graph.links {
            let capture = graph.captures[link.capture].name
            let materialization = graph.materializations[link.materialization].name
            let count = link.pairs.count
            lines.append("link \(capture) -> \(materialization): \(count) binding\(count == 1 ? "" : "s")")
        }
        return lines.isEmpty ? "nothing\n" : lines.joined(separator: "\n") + "\n"
    }

    private static func disabled(_ isDisabled: Bool) -> String { isDisabled ? " (disabled)" : "" }
}

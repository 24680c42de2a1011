import Connectors
import JSON
import MaterializePostgres
import SourcePostgres
import TaskGraph

/// Finds out what there is of a catalog's links, shows it, and removes it: sources first, so that what an interrupted run
/// leaves is still known by its records.
struct DeleteRun {
    let graph: CompiledGraph
    let dropsTables: Bool
    let form: OutputForm
    let log: Log
    let isAgreed: () -> Bool
    /// What is said where nobody agrees.
    let refusal: String

    private struct Part {
        var title: String
        var task: String
        var removal: Removal
        var remove: () throws -> Void
    }

    func run() -> ExitStatus {
        do {
            let parts = try parts()
            show(parts)
            guard parts.contains(where: { !$0.removal.changes.isEmpty }) else { return .done }
            guard isAgreed() else {
                log.write(.error, "flowctl: \(refusal)")
                return .usage
            }
            for part in parts where !part.removal.changes.isEmpty {
                try part.remove()
                log.write(.info, "removed     \(part.title)")
            }
            return .done
        } catch {
            let known = error as? RunError
            log.write(.error, "flowctl: \(error)" + (known?.hint.map { "; hint: \($0)" } ?? ""))
            return ExitStatus(error)
        }
    }

    /// Every task's, disabled ones too: they may have run before.
    private func parts() throws -> [Part] {
        var graph = graph
        for index in graph.captures.indices { graph.captures[index].isDisabled = false }
        for index in graph.materializations.indices { graph.materializations[index].isDisabled = false }
        let pipelines = try PipelineAssembly(graph: graph).pipelines()
        var destinations: [(materialization: PostgresMaterialization, links: [LinkSpec])] = []
        for link in pipelines.flatMap(\.links) {
            guard let materialization = link.materialization as? PostgresMaterialization else { continue }
            if let place = destinations.firstIndex(where: { $0.materialization.name == materialization.name }) {
                destinations[place].links.append(link.spec)
            } else {
                destinations.append((materialization, [link.spec]))
            }
        }
        var known: Set<String> = []
        let ends = try destinations.map { destination in
            let (removal, isKnown) = try destination.materialization.removal(
                of: destination.links, dropsTables: dropsTables)
            if isKnown { known.formUnion(destination.links.map(\.capture)) }
            let connection = destination.materialization.config.connection
            return Part(
                title: "destination  \(connection.database) at \(connection.host):\(connection.port)",
                task: destination.materialization.name, removal: removal
            ) {
                try destination.materialization.remove(removal, of: destination.links, dropsTables: dropsTables)
            }
        }
        let sources = try pipelines.map { pipeline in
            let removal = try pipeline.capture.removal(isKnown: known.contains(pipeline.capture.name))
            let connection = pipeline.capture.connection
            return Part(
                title: "source  \(connection.database) at \(connection.host):\(connection.port)",
                task: pipeline.capture.name, removal: removal
            ) { try pipeline.capture.remove(removal) }
        }
        return sources + ends
    }

    private func show(_ parts: [Part]) {
        if form == .json {
            let objects = parts.map { part in
                JSONValue.object(
                    JSONObject([
                        ("task", .string(part.task)),
                        (
                            "removes",
                            .array(
                                part.removal.changes.map {
                                    .object(JSONObject([("object", .string($0.object)), ("sql", .string($0.sql))]))
                                })
                        ), ("keeps", .array(part.removal.kept.map { .string($0) })),
                    ]))
            }
            return Output.line(JSONWriter.write(.object(JSONObject([("parts", .array(objects))])), .spaced))
        }
        var lines: [String] = []
        for part in parts where !part.removal.changes.isEmpty || !part.removal.kept.isEmpty {
            lines.append("\(part.title)  (\(part.task))")
            for change in part.removal.changes {
                let sql = change.sql.split(separator: "\n")
                lines.append("  - \(change.object)" + (change.remark.map { ": \($0)" } ?? ""))
                lines += sql.map { "      \($0)" }
            }
            lines += part.removal.kept.map { "  keeps \($0)" }
        }
        let count = parts.reduce(0) { $0 + $1.removal.changes.count }
        lines.append(count == 0 ? "delete: nothing to remove" : "delete: \(count) to remove")
        Output.lines(lines.joined(separator: "\n") + "\n")
    }
}

import Connectors
import JSON
import Postgres
import Runtime
import SourcePostgres
import TaskGraph

/// One run of `preview`: prints a capture's documents until there are enough, or the time is over.
struct PreviewRun {
    let command: Preview
    let graph: CompiledGraph
    let task: CaptureTask
    let stop: StopSignal

    func run() -> ExitStatus {
        let ended = stop.follower()
        let done = StopSignal()
        defer { done.request() }
        if let seconds = command.timeout {
            ThreadGroup(onFailure: { _ in }).spawn("timeout") {
                if !done.wait(milliseconds: seconds * 1000) { ended.request() }
            }
        }
        do {
            try print(until: ended)
            return .done
        } catch {
            // What it was doing as it was asked to end is nobody's concern.
            if ended.isRequested { return .done }
            let known = error as? RunError
            command.options.log.write(.error, "error: \(error)" + (known?.hint.map { "\nhint: \($0)" } ?? ""))
            return ExitStatus(error)
        }
    }

    private func print(until ended: StopSignal) throws {
        let bindings = task.bindings.filter { !$0.isDisabled }
        let config = try SecretResolution(folder: task.configFolder, task: task.name, run: ChildProcess.output(of:))
            .resolve(task.config)
        let skips = SkippedBackfills(config["advanced"]?["skip_backfills"]?.stringValue ?? "")
        let capture = PostgresCapture(
            name: task.name, config: try PostgresCaptureConfig(config),
            tables: bindings.map {
                CapturedTable(
                    namespace: $0.namespace, stream: $0.stream, binding: $0.index,
                    backfillFilter: $0.resource["advanced"]?["additional_backfill_filter"]?.stringValue)
            })
        let request = PreviewRequest(
            keys: bindings.map { key(of: $0.collection) }, columns: bindings.map(\.columns),
            blocked: bindings.map(\.blocked),
            hasBackfill: bindings.map {
                $0.resource["mode"]?.stringValue != "Only Changes" && !skips.contains($0.namespace, $0.stream)
            })
        var count = 0
        try capture.preview(
            request, stop: ended,
            note: { command.options.log.write(.warn, "warning: \($0)") },
            emit: { table, document in
                let line: JSONValue = [.string(bindings[table].collection), .object(document)]
                Output.line(JSONWriter.write(line))
                count += 1
                return count < command.limit ?? .max
            })
    }

    /// The key of a collection as column names, where something reads it; nil where nothing says.
    private func key(of collection: String) -> [String]? {
        let binding = graph.materializations.flatMap(\.bindings).first { $0.collection == collection }
        return binding?.key.compactMap { JSONPointer(parsing: $0)?.tokens.first }
    }
}

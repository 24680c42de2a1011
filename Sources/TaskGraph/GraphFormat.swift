import JSON

/// The forms in which a task graph is printed.
public enum GraphFormat: String, Sendable, CaseIterable {
    case mermaid, dot, json, text
}

extension CompiledGraph {
    /// The graph in one of the forms, with a line break at its end. The same graph gives the same text.
    public func text(_ format: GraphFormat) -> String {
        switch format {
        case .mermaid: MermaidGraph.text(GraphDrawing(self))
        case .dot: DotGraph.text(GraphDrawing(self))
        case .json: JSONWriter.write(json, .compact) + "\n"
        case .text: TextGraph.text(self)
        }
    }

    /// Tasks with their bindings, and links by the names of what they join. Configs are left out: they can hold secrets.
    private var json: JSONValue {
        [
            "captures": .array(captures.map(Self.json)),
            "materializations": .array(materializations.map(Self.json)),
            "links": .array(links.map(json)),
        ]
    }

    private static func json(_ task: CaptureTask) -> JSONValue {
        [
            "name": .string(task.name), "connector": .string(task.connector), "disabled": .bool(task.isDisabled),
            "bindings": .array(
                task.bindings.map { binding in
                    [
                        "index": .int(binding.index), "namespace": .string(binding.namespace),
                        "stream": .string(binding.stream), "collection": .string(binding.collection),
                        "disabled": .bool(binding.isDisabled), "backfill": .int(binding.backfillCounter),
                        "columns": binding.columns.map(names) ?? .null,
                    ]
                }),
        ]
    }

    private static func names(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }

    private static func json(_ columns: ColumnSelection) -> JSONValue {
        [
            "only": columns.only.map(names) ?? .null, "excluded": names(columns.excluded.sorted().map(\.text)),
            "names": .object(
                JSONObject(columns.names.sorted { $0.key < $1.key }.map { ($0.key.text, .string($0.value)) })),
        ]
    }

    private static func json(_ task: MaterializationTask) -> JSONValue {
        [
            "name": .string(task.name), "connector": .string(task.connector), "disabled": .bool(task.isDisabled),
            "bindings": .array(
                task.bindings.map { binding in
                    [
                        "index": .int(binding.index), "collection": .string(binding.collection),
                        "schema": .string(binding.schema), "table": .string(binding.table),
                        "key": .array(binding.key.map { .string($0) }), "delta_updates": .bool(binding.deltaUpdates),
                        "priority": .int(binding.priority), "disabled": .bool(binding.isDisabled),
                        "backfill": .int(binding.backfillCounter), "columns": json(binding.columns),
                    ]
                }),
        ]
    }

    private func json(_ link: Link) -> JSONValue {
        let capture = captures[link.capture]
        let materialization = materializations[link.materialization]
        return [
            "capture": .string(capture.name), "materialization": .string(materialization.name),
            "bindings": .array(
                link.pairs.map { pair in
                    let source = capture.bindings[pair.captureBinding]
                    let destination = materialization.bindings[pair.materializationBinding]
                    return [
                        "collection": .string(source.collection), "capture_binding": .int(source.index),
                        "materialization_binding": .int(destination.index),
                    ]
                }),
        ]
    }
}

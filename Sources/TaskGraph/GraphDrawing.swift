/// A task graph as nodes and arrows, in the order of the catalog: what Mermaid and Graphviz draw.
struct GraphDrawing {
    enum Kind { case capture, collection, materialization }

    struct Node {
        let kind: Kind
        let label: String
    }

    struct Arrow: Hashable {
        let from: Int
        let to: Int
        let label: String
    }

    private(set) var nodes: [Node] = []
    private(set) var arrows: [Arrow] = []
    private var collections: [String: Int] = [:]

    /// Enabled tasks and bindings only.
    init(_ graph: CompiledGraph) {
        for task in graph.captures where !task.isDisabled {
            let place = add(.capture, task.name)
            for binding in task.bindings where !binding.isDisabled {
                let target = collection(binding.collection)
                arrows.append(Arrow(from: place, to: target, label: "\(binding.namespace).\(binding.stream)"))
            }
        }
        for task in graph.materializations where !task.isDisabled {
            let place = add(.materialization, task.name)
            for binding in task.bindings where !binding.isDisabled {
                let kind = binding.deltaUpdates ? " (delta)" : ""
                let source = collection(binding.collection)
                arrows.append(Arrow(from: source, to: place, label: "\(binding.schema).\(binding.table)\(kind)"))
            }
        }
    }

    private mutating func add(_ kind: Kind, _ label: String) -> Int {
        nodes.append(Node(kind: kind, label: label))
        return nodes.count - 1
    }

    private mutating func collection(_ name: String) -> Int {
        if let place = collections[name] { return place }
        let place = add(.collection, name)
        collections[name] = place
        return place
    }
}

/// A flowchart for Markdown (Mermaid).
enum MermaidGraph {
    static func text(_ drawing: GraphDrawing) -> String {
        var lines = ["flowchart LR"]
        for (index, node) in drawing.nodes.enumerated() {
            let label = quoted(node.label)
            switch node.kind {
            case .capture: lines.append("  n\(index)[/\(label)/]")
            case .collection: lines.append("  n\(index)(\(label))")
            case .materialization: lines.append("  n\(index)[(\(label))]")
            }
        }
        for arrow in drawing.arrows { lines.append("  n\(arrow.from) -->|\(quoted(arrow.label))| n\(arrow.to)") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func quoted(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\"": result += "#quot;"
            case "#": result += "#35;"
            case "<": result += "#lt;"
            case ">": result += "#gt;"
            default: result.append(character)
            }
        }
        return "\"\(result)\""
    }
}

/// A directed graph for Graphviz.
enum DotGraph {
    static func text(_ drawing: GraphDrawing) -> String {
        var lines = ["digraph catalog {", "  rankdir=LR;"]
        for (index, node) in drawing.nodes.enumerated() {
            let shape =
                switch node.kind {
                case .capture: "cds"
                case .collection: "box"
                case .materialization: "cylinder"
                }
            lines.append("  n\(index) [shape=\(shape), label=\(quoted(node.label))];")
        }
        for arrow in drawing.arrows {
            lines.append("  n\(arrow.from) -> n\(arrow.to) [label=\(quoted(arrow.label))];")
        }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    private static func quoted(_ text: String) -> String {
        var result = ""
        for character in text {
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
        return "\"\(result)\""
    }
}

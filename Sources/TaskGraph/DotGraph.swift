/// A directed graph for Graphviz.
enum DotGraph {
    /// The text, with a line break at its end.
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

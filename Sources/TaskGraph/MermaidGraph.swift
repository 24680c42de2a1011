/// A flowchart for Markdown (Mermaid).
enum MermaidGraph {
    /// The text, with a line break at its end.
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

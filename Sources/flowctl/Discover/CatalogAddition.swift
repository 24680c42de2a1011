import Connectors
import JSON

/// What is to be added to a catalog. Empty parts are left alone.
struct CatalogAddition {
    /// Bindings of a capture or a materialization.
    struct Bindings {
        var task: String
        /// Of a new task; nil where the bindings go to one that is there.
        var endpoint: EndpointText?
        var items: [Item]
    }

    /// A binding, or tables that have none and the reason.
    enum Item {
        case binding(JSONObject, notes: [String])
        case comment(String)
    }

    var capture: Bindings
    var collections: [(name: String, value: JSONObject)]
    var materialization: Bindings?

    var isEmpty: Bool {
        let bindings = [capture] + (materialization.map { [$0] } ?? [])
        return collections.isEmpty && bindings.allSatisfy { $0.endpoint == nil && $0.bindings.isEmpty }
    }

    /// A catalog that has nothing else.
    func text(modeline: String) -> String {
        var lines = [modeline, "captures:"] + CatalogText.indent(capture.lines)
        lines.append("collections:" + (collections.isEmpty ? " {}" : ""))
        lines += CatalogText.indent(collectionLines)
        if let materialization {
            lines.append("materializations:")
            lines += CatalogText.indent(materialization.lines)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The members of `collections`.
    var collectionLines: [String] {
        collections.flatMap { collection -> [String] in
            ["\(CatalogText.scalar(collection.name)):"]
                + CatalogText.indent(CatalogText.lines(collection.value, depth: 2))
        }
    }

    /// All of it as one value.
    var value: JSONValue {
        var root = JSONObject()
        root["captures"] = .object(JSONObject([(capture.task, capture.value)]))
        root["collections"] = .object(JSONObject(collections.map { ($0.name, .object($0.value)) }))
        if let materialization {
            root["materializations"] = .object(JSONObject([(materialization.task, materialization.value)]))
        }
        return .object(root)
    }
}

extension CatalogAddition.Bindings {
    /// Those that are bindings.
    var bindings: [JSONObject] {
        items.compactMap { if case .binding(let binding, _) = $0 { binding } else { nil } }
    }

    /// The task as a member of `captures` or `materializations`.
    var lines: [String] {
        var lines = ["\(CatalogText.scalar(task)):"]
        if let endpoint {
            lines += CatalogText.indent(CatalogText.lines(JSONObject([("endpoint", endpoint.value)]), depth: 3))
        }
        lines.append("  bindings:" + (bindings.isEmpty ? " []" : ""))
        return lines + CatalogText.indent(itemLines(withComments: true), by: 4)
    }

    /// The items of `bindings`, in block form.
    func itemLines(withComments: Bool) -> [String] {
        items.flatMap { item -> [String] in
            switch item {
            case .comment(let text): return withComments ? CatalogAddition.Bindings.comment(text) : []
            case .binding(let binding, let notes):
                let lines = CatalogText.lines(binding, depth: 0)
                return notes.flatMap(CatalogAddition.Bindings.comment)
                    + lines.enumerated().map { ($0.offset == 0 ? "- " : "  ") + $0.element }
            }
        }
    }

    /// Text broken between words; a line of its own, such as SQL, stays whole.
    private static func comment(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).flatMap { line in
            line.hasPrefix("  ") ? [line] : Paragraph.wrap(String(line), width: 110).split(whereSeparator: \.isNewline)
        }.map { "# " + $0 }
    }

    /// The task as a value.
    var value: JSONValue {
        var object = JSONObject()
        object["endpoint"] = endpoint?.value
        object["bindings"] = .array(bindings.map { .object($0) })
        return .object(object)
    }
}

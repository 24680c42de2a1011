import Diagnostics
import JSON

/// Brings the text of a YAML or JSON file into one style without changing what it means: comments, anchors and aliases are
/// kept. Pure.
public struct YAMLFormatter: Sendable {
    private let order: KeyOrder

    /// A formatter that orders keys.
    public init(order: KeyOrder = .none) {
        self.order = order
    }

    /// The file's text in the style; nil where the file is at fault, which goes to the collector.
    ///
    /// The result has been read again: it has the same value, types included, and the same comments and anchors. Where that
    /// does not hold, which is a defect of the program, nothing is returned but an error.
    public func format(_ file: SourceFile, _ diagnostics: inout DiagnosticCollector) -> String? {
        var found = DiagnosticCollector()
        let document = Document.parse(file, &found)
        diagnostics.merge(found)
        guard !found.hasErrors, document.isComplete else { return nil }
        if Self.isJSON(file) {
            guard let root = document.root else { return "" }
            let value = Self.arrange(root.value, order)
            guard ValueComparison.areSame(value, root.value) else { return refuse(file, &diagnostics) }
            return JSONWriter.write(value, .pretty) + "\n"
        }
        let lines = SourceLines(file.bytes)
        guard let before = SyntaxReader.read(lines) else { return refuse(file, &diagnostics) }
        let text = print(before, lines)
        guard isSame(text, before, document) else { return refuse(file, &diagnostics) }
        return text
    }

    private func refuse(_ file: SourceFile, _ diagnostics: inout DiagnosticCollector) -> String? {
        diagnostics.report(
            .error(
                .notFormatted, "'\(file.path)' can't be formatted without changing what it means", at: file.range(0, 0),
                hint: "it is left as it is; please report it", isSecret: true))
        return nil
    }

    /// Whether the file is read by JSON's rules, as `Document.parse` decides it.
    private static func isJSON(_ file: SourceFile) -> Bool {
        if file.path.lowercased().hasSuffix(".json") { return true }
        guard let first = file.bytes.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            return false
        }
        var ignored = DiagnosticCollector()
        return JSONDocumentParser.parse(file, &ignored).isComplete
    }

    private static func arrange(_ value: JSONValue, _ order: KeyOrder) -> JSONValue {
        switch value {
        case .array(let items): return .array(items.map { arrange($0, order.order(under: nil)) })
        case .object(let object):
            var members = object.members
            for index in members.indices {
                members[index].value = arrange(members[index].value, order.order(under: members[index].key))
            }
            let slots = members.indices.filter { order.keys.contains(members[$0].key) }
            let known = order.keys.compactMap { key in members.first { $0.key == key } }
            for (slot, member) in zip(slots, known) { members[slot] = member }
            return .object(JSONObject(unique: members))
        default: return value
        }
    }

    private func print(_ tree: SyntaxTree, _ lines: SourceLines) -> String {
        let head = Head(CommentPlacement.run(tree, lines), tree, lines)
        var printer = SyntaxPrinter(lines)
        guard let root = tree.root else {
            _ = head.print(&printer, tree)
            return head.finish(&printer)
        }
        if let first = root.entries.first, root.isBlockCollection {
            first.before = head.rest + first.before
        } else {
            root.lead = head.rest + root.lead
        }
        root.arrange(order)
        let isApart = head.print(&printer, tree)
        printer.root(root, order, isApart: isApart)
        return head.finish(&printer)
    }

    /// Whether a text has the value, comments and references that another has.
    private func isSame(_ text: String, _ tree: SyntaxTree, _ document: Document) -> Bool {
        let file = SourceFile(path: "formatted.yaml", text: text)
        var found = DiagnosticCollector()
        let again = YAMLDocumentParser.parse(file, &found)
        guard !found.hasErrors, again.isComplete, let other = SyntaxReader.read(SourceLines(file.bytes)) else {
            return false
        }
        return ValueComparison.areSame(again.root?.value ?? .null, document.root?.value ?? .null)
            && other.allComments.sorted() == tree.allComments.sorted() && other.directives == tree.directives
            && other.references.sorted() == tree.references.sorted()
    }
}

extension SyntaxTree {
    /// The text of every comment.
    var allComments: [String] { comments.map(\.text) + (root?.headerComments ?? []) }
}

extension SyntaxNode {
    /// The texts of the comments behind `|` and `>`.
    fileprivate var headerComments: [String] {
        var found = headerComment.map { [$0.text] } ?? []
        for entry in entries { found += (entry.key?.headerComments ?? []) + entry.value.headerComments }
        return found
    }
}

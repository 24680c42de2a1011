import Diagnostics
import JSON
import JSONSchema
import YAML

/// A collection's key is not empty, made of JSON pointers, and of locations that can tell its documents apart.
enum KeyRule: CatalogRule {
    /// The types that a key's value may have, and null beside them.
    private static let keyable: TypeSet = [.integer, .string, .boolean, .null]

    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for collection in catalog.collections {
            if let key = collection.name.node.member("key"), key.value.items?.isEmpty == true,
                !key.value.isBroken
            {
                diagnostics.report(
                    key.keyError(
                        .emptyKey, "the key of \(collection.name.phrase) is empty", hint: "name its columns: key: [/id]"
                    ))
            }
            var known: [String: LocatedText] = [:]
            for pointer in collection.key where !pointer.node.isBroken {
                if let other = known[pointer.text] {
                    diagnostics.report(
                        pointer.node.error(
                            .repeatedKey, "'\(pointer.text)' is in the key of \(collection.name.phrase) twice",
                            notes: [.init("it is first named", at: other.node.range)], hint: "name each location once"))
                    continue
                }
                known[pointer.text] = pointer
                check(pointer, collection, &diagnostics)
            }
        }
    }

    private static func check(
        _ text: LocatedText, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        guard let pointer = JSONPointer(written: text.text), !pointer.isRoot else {
            diagnostics.report(syntaxFault(text, "a key"))
            return
        }
        if text.text == ProjectionRule.publishedAt {
            diagnostics.report(
                text.node.error(
                    .keyLocation, "the time of publication can't be a key of \(collection.name.phrase)",
                    hint: "it tells no two states of a row apart; name the columns that do"))
            return
        }
        let model = collection.model
        guard !model.isTable, let read = model.read, let write = model.write else { return }
        let what = "'\(text.text)', a key of \(collection.name.phrase),"
        guard report(pointer, text, what, in: read, &diagnostics) else { return }
        guard collection.schema == nil else { return }
        guard report(pointer, text, what, in: write, &diagnostics) else { return }
        let (reads, writes) = (read.shape.locate(pointer).shape, write.shape.locate(pointer).shape)
        if !read.isOpen, reads.types.subtracting(.null) != writes.types.subtracting(.null) {
            diagnostics.report(
                text.node.error(
                    .keyType,
                    "\(what) is written as \(ShapeInspection.phrase(writes.types)) but read as \(ShapeInspection.phrase(reads.types))",
                    notes: place(of: reads, in: read, "it is read by this schema")
                        + place(of: writes, in: write, "it is written by this schema")))
        }
    }

    /// Whether a location can be a key, or tell partitions apart, by a schema; false after a report.
    static func report(
        _ pointer: JSONPointer, _ text: LocatedText, _ what: String, in model: SchemaModel,
        _ diagnostics: inout DiagnosticCollector
    ) -> Bool {
        let (shape, existence) = model.shape.locate(pointer)
        guard existence > .implicit else {
            let isForbidden = existence == .cannot
            if pointer.isMetadata, model.shape.property("_meta") == nil { return true }
            if !isForbidden, model.isOpen || (model.isRecursive && pointer.tokens.count > 1) { return true }
            let names = model.shape.locations().map { $0.pointer.description }
            diagnostics.report(
                text.node.error(
                    .keyLocation, "\(what) is \(isForbidden ? "forbidden by its schema" : "not in its schema")",
                    notes: place(of: shape, in: model, "the schema is given", orWhole: true),
                    hint: Suggestion.hint(for: text.text, among: names)))
            return false
        }
        if shape.redact == "block", existence != .must {
            diagnostics.report(
                text.node.error(
                    .contradiction, "\(what) is removed by 'redact'",
                    notes: place(of: shape, in: model, "its redaction is given", "redact"),
                    hint: "keep the key, or choose another one"))
            return false
        }
        if shape.types.subtracting(keyable).isEmpty, shape.types != .null {
            return reportReduction(shape, text, what, in: model, &diagnostics)
        }
        if shape.types == .all, model.isFaulty || model.isOpen { return false }
        let wrong = shape.types == .null ? shape.types : shape.types.subtracting([.integer, .string, .boolean])
        let phrase = shape.types == .all ? "any type" : "type " + wrongNames(wrong)
        diagnostics.report(
            text.node.error(
                .keyType, "\(what) can be of \(phrase)", notes: place(of: shape, in: model, "its type is given", "type")
            ))
        return false
    }

    private static func wrongNames(_ types: TypeSet) -> String {
        var names = types.names
        if types.contains(.fraction), !types.contains(.integer) { names.append("number") }
        return names.sorted().joined(separator: ", ")
    }

    private static func reportReduction(
        _ shape: Shape, _ text: LocatedText, _ what: String, in model: SchemaModel,
        _ diagnostics: inout DiagnosticCollector
    ) -> Bool {
        let reduction: String
        switch shape.reduction {
        case .unset, .strategy(.lastWriteWins): return true
        case .strategy(let strategy): reduction = "by '\(strategy.name)'"
        case .several: reduction = "in several ways"
        }
        diagnostics.report(
            text.node.error(
                .keyReduction, "\(what) is reduced \(reduction)",
                notes: place(of: shape, in: model, "its reduction is given", "reduce"),
                hint: "remove 'reduce' from that location"))
        return false
    }

    /// The note that shows a shape's schema, or the whole one where it has no place of its own.
    private static func place(
        of shape: Shape, in model: SchemaModel, _ message: String, _ keyword: String? = nil, orWhole: Bool = false
    ) -> [Diagnostic.Note] {
        let found = model.place(of: shape.origin)
        let range = keyword.map { found?.node[$0]?.range } ?? found?.range ?? (orWhole ? model.range : nil)
        return range.map { [Diagnostic.Note(message, at: $0)] } ?? []
    }

    /// Text that is no pointer.
    static func syntaxFault(_ text: LocatedText, _ what: String) -> Diagnostic {
        let hint = text.text.isEmpty || text.text.hasPrefix("/") ? nil : "write '/\(JSONPointer.escape(text.text))'"
        return text.node.error(.pointerSyntax, "'\(text.text)' is no JSON pointer for \(what)", hint: hint)
    }
}

extension JSONPointer {
    /// A pointer as catalogs write them: slashes before names that are not empty; the empty text is the whole document.
    init?(written text: String) {
        guard let pointer = JSONPointer(parsing: text), !pointer.tokens.contains("") else { return nil }
        self = pointer
    }

    /// Whether it leads into what a capture says of a change, which every document has.
    var isMetadata: Bool { tokens.first == "_meta" }
}

import Diagnostics
import JSON
import YAML

/// A collection's key is not empty, made of JSON pointers, and of locations that its schema has.
enum KeyRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for collection in catalog.collections {
            if let key = collection.name.node.member("key"), key.value.items?.isEmpty == true {
                diagnostics.report(
                    key.keyError(
                        .emptyKey, "the key of \(collection.name.phrase) is empty", hint: "name its columns: key: [/id]"
                    ))
            }
            for pointer in collection.key where !pointer.node.isBroken { check(pointer, collection, &diagnostics) }
            checkProjections(collection, &diagnostics)
        }
    }

    private static func check(
        _ text: LocatedText, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        guard isPointer(text.text), let pointer = JSONPointer(parsing: text.text), !pointer.isRoot else {
            diagnostics.report(syntaxFault(text, "a key"))
            return
        }
        guard let schema = collection.written, SchemaLocation.types(of: schema)?.contains("object") ?? true else {
            return
        }
        switch SchemaLocation.find(pointer, in: schema) {
        case .unknown: return
        case .absent:
            diagnostics.report(
                text.node.error(
                    .keyLocation, "'\(text.text)', a key of \(collection.name.phrase), is not in its schema",
                    notes: [.init("the schema is given", at: place(of: schema))],
                    hint: Suggestion.hint(
                        for: text.text, among: SchemaLocation.names(in: schema).map { "/" + JSONPointer.escape($0) })))
        case .found(let location):
            let types = SchemaLocation.types(of: location)
            guard let types, types.isSubset(of: SchemaLocation.allTypes) else { return }
            if types.isSubset(of: ["integer", "string", "boolean", "null"]), types != ["null"] { return }
            let wrong = types.subtracting(["integer", "string", "boolean"]).sorted().joined(separator: ", ")
            diagnostics.report(
                text.node.error(
                    .keyType, "'\(text.text)', a key of \(collection.name.phrase), can be of type \(wrong)",
                    notes: [.init("its type is given", at: (location["type"] ?? location).range)]))
        }
    }

    private static func place(of schema: Node) -> SourceRange { schema.members?.first?.keyRange ?? schema.range }

    private static func checkProjections(_ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector) {
        for projection in collection.name.node["projections"]?.members ?? [] {
            let node = LocatedText(projection.value) ?? LocatedText(projection.value["location"])
            guard let node, !isPointer(node.text) else { continue }
            diagnostics.report(syntaxFault(node, "projection '\(projection.key)'"))
        }
    }

    private static func syntaxFault(_ text: LocatedText, _ what: String) -> Diagnostic {
        let hint = text.text.isEmpty || text.text.hasPrefix("/") ? nil : "write '/\(JSONPointer.escape(text.text))'"
        return text.node.error(.pointerSyntax, "'\(text.text)' is no JSON pointer for \(what)", hint: hint)
    }

    /// Slashes before names that are not empty; the empty text is the whole document.
    static func isPointer(_ text: String) -> Bool {
        guard let pointer = JSONPointer(parsing: text) else { return false }
        return !pointer.tokens.contains("")
    }
}

import Diagnostics
import JSON
import JSONSchema
import YAML

/// A binding's fields are the collection's, and what it asks for can be met.
enum FieldSelectionRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.materializations {
            for binding in task.enabledBindings where !binding.isAutomatic {
                if !task.appends(binding), let collection = catalog.collection(binding.source?.text ?? "") {
                    checkNullableKey(collection, binding, &diagnostics)
                }
                guard let fields = binding.fields else { continue }
                checkBoth(fields, &diagnostics)
                guard let collection = catalog.collection(binding.source?.text ?? "") else { continue }
                var selection = Selection(
                    fields: fields, collection: collection, isDelta: task.appends(binding))
                selection.checkNames(&diagnostics)
                selection.checkRequired(&diagnostics)
                selection.checkKey(&diagnostics)
                selection.checkGroup(&diagnostics)
            }
        }
    }

    /// A table's key takes no null, though a collection's may.
    private static func checkNullableKey(
        _ collection: CollectionSpec, _ binding: MaterializationSpec.Binding, _ diagnostics: inout DiagnosticCollector
    ) {
        guard !collection.model.isOpen, let read = collection.model.read, let source = binding.source else { return }
        for part in collection.key {
            guard let pointer = JSONPointer(written: part.text), !pointer.isMetadata else { continue }
            let (shape, existence) = read.shape.locate(pointer)
            guard existence > .implicit, shape.types.contains(.null), shape.types != .null, shape.types != .all else {
                continue
            }
            diagnostics.report(
                source.node.diagnostic(
                    .warning, .keyType,
                    "'\(part.text)', a key of \(collection.name.phrase), can be null, and the key of a table can't",
                    notes: [.init("the key is given", at: part.node.range)],
                    hint: "take null out of its type, or set 'delta_updates: true' on the resource"))
        }
    }

    private static func checkBoth(_ fields: Node, _ diagnostics: inout DiagnosticCollector) {
        for excluded in fields["exclude"]?.items ?? [] {
            guard let name = excluded.string else { continue }
            let required = fields["require"]?.member(name) ?? fields["include"]?.member(name)
            guard let required else { continue }
            diagnostics.report(
                excluded.error(
                    .unknownField, "field '\(name)' is both required and excluded",
                    notes: [.init("it is required", at: required.keyRange)]))
        }
    }

    /// One binding's fields against its collection.
    private struct Selection {
        let fields: Node
        let collection: CollectionSpec
        let isDelta: Bool
        private let known: [Field]
        private var guesses: Suggestion.Guesses

        init(fields: Node, collection: CollectionSpec, isDelta: Bool) {
            (self.fields, self.collection, self.isDelta) = (fields, collection, isDelta)
            known = collection.fields()
            guesses = Suggestion.Guesses(known.map(\.name))
        }

        /// Every field that is named is one of the collection's, as far as its schema tells them all.
        mutating func checkNames(_ diagnostics: inout DiagnosticCollector) {
            for member in (fields["require"] ?? fields["include"])?.members ?? [] where !member.key.hasPrefix("x-") {
                guard isUnknown(member.key) else { continue }
                diagnostics.report(
                    member.keyError(.noSuchField, message(member.key, "required"), hint: hint(member.key)))
            }
            for node in fields["exclude"]?.items ?? [] {
                guard let name = node.string, isUnknown(name) else { continue }
                diagnostics.report(
                    node.diagnostic(.warning, .noSuchField, message(name, "excluded"), hint: hint(name)))
            }
        }

        /// What is required can have a value at all.
        func checkRequired(_ diagnostics: inout DiagnosticCollector) {
            guard let required = (fields["require"] ?? fields["include"])?.members, !required.isEmpty else { return }
            let blocked = collection.redaction.columns
            for member in required where !member.key.hasPrefix("x-") && !isUnknown(member.key) {
                guard let field = known.first(where: { $0.name == member.key }) else { continue }
                let why: String
                if let column = field.pointer.tokens.first, blocked.contains(column) {
                    why = "the schema removes '/\(JSONPointer.escape(column))' by 'redact'"
                } else if !collection.model.isOpen, field.shape?.types == .null {
                    why = "it can only be null"
                } else {
                    continue
                }
                diagnostics.report(
                    member.keyError(
                        .unknownField, "field '\(member.key)' is required, but \(why)",
                        notes: place(of: field.shape), hint: "remove it from 'require'"))
            }
        }

        private func place(of shape: Shape?) -> [Diagnostic.Note] {
            guard let range = collection.model.read?.place(of: shape?.origin)?.range else { return [] }
            return [.init("its schema is given", at: range)]
        }

        private func message(_ name: String, _ use: String) -> String {
            "field '\(name)', \(use) here, is not one of \(collection.name.phrase)"
        }

        private mutating func hint(_ name: String) -> String? { guesses.hint(for: name) }

        private func isUnknown(_ name: String) -> Bool {
            guard !collection.model.isOpen, let read = collection.model.read else { return false }
            if CollectionSpec.metadataFields.contains(name) || name == "_meta" { return false }
            if name.hasPrefix("_meta/"), read.shape.property("_meta") == nil {
                return !CollectionSpec.metadataLocations.contains { $0 == name || name.hasPrefix($0 + "/") }
            }
            if collection.name.node["projections"]?.member(name) != nil { return false }
            guard let pointer = JSONPointer(fieldName: name) else { return true }
            if read.isRecursive, pointer.tokens.count > 1 { return false }
            return read.shape.locate(pointer).existence <= .implicit
        }

        /// A table that is kept equal to its collection needs the columns that tell its rows apart: the fields of
        /// `groupBy`, else the collection's key.
        func checkKey(_ diagnostics: inout DiagnosticCollector) {
            guard !isDelta else { return }
            let excluded = Set((fields["exclude"]?.items ?? []).compactMap(\.string))
            let group = (fields["groupBy"]?.items ?? []).compactMap { LocatedText($0) }
            let key = group.isEmpty ? collection.key : group
            for node in fields["exclude"]?.items ?? [] {
                guard let name = node.string, let pointer = JSONPointer(fieldName: name) else { continue }
                let part = key.first { group.isEmpty ? $0.text == pointer.description : $0.text == name }
                guard let part else { continue }
                let others = known.filter { $0.pointer == pointer && $0.name != name }
                if group.isEmpty, others.contains(where: { !excluded.contains($0.name) }) { continue }
                diagnostics.report(
                    node.error(
                        .unknownField, "field '\(name)' is excluded, but the table's rows are told apart by it",
                        notes: [.init("it is part of the key", at: part.node.range)],
                        hint: "keep the key, or set 'delta_updates: true' on the resource"))
            }
        }

        mutating func checkGroup(_ diagnostics: inout DiagnosticCollector) {
            for node in fields["groupBy"]?.items ?? [] {
                guard let name = node.string else { return }
                if isUnknown(name) {
                    diagnostics.report(
                        node.error(.noSuchField, message(name, "grouped by"), hint: hint(name)))
                } else if let wrong = wrongTypes(name) {
                    diagnostics.report(
                        node.error(
                            .keyType, "field '\(name)', grouped by here, can be of type \(wrong)",
                            hint: "group by integers, strings and booleans"))
                }
            }
        }

        /// The types that no key can have; nil where none of them is possible or nothing is known.
        private func wrongTypes(_ name: String) -> String? {
            guard !collection.model.isOpen, let field = known.first(where: { $0.name == name }),
                let shape = field.shape
            else { return nil }
            let wrong = shape.types.subtracting([.integer, .string, .boolean, .null])
            return wrong.isEmpty ? nil : ShapeInspection.phrase(wrong)
        }
    }
}

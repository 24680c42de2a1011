import Diagnostics
import JSON
import JSONSchema
import YAML

/// A test's documents are lists of objects that fit their collections, and what is expected is in the key's order.
enum TestRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for test in catalog.tests {
            for step in test.steps {
                guard checkDocuments(step, &diagnostics) else { continue }
                checkTimes(step, &diagnostics)
                guard let collection = catalog.collection(step.collection?.text ?? "") else { continue }
                switch step.kind {
                case .ingest: checkSchema(step, collection, &diagnostics)
                case .verify: checkOrder(step, collection, &diagnostics)
                }
            }
        }
    }

    /// Whether a file's documents are a list of objects; the catalog's own schema has looked at those given inline.
    private static func checkDocuments(_ step: TestSpec.Step, _ diagnostics: inout DiagnosticCollector) -> Bool {
        guard let name = step.node["documents"], name.string != nil else { return step.documents != nil }
        if let list = step.list, list.items == nil, !list.isBroken {
            diagnostics.report(
                list.error(
                    .badDocuments, "the documents are \(list.kind.phrase), not a list",
                    notes: [.init("they are named", at: name.range)]))
        }
        let wrong = step.documents?.first { $0.members == nil && !$0.isBroken }
        guard let documents = step.documents, wrong == nil else {
            if let wrong {
                diagnostics.report(
                    wrong.error(
                        .badDocuments, "a document is \(wrong.kind.phrase), not an object",
                        notes: [.init("the file is named", at: name.range)]))
            }
            return false
        }
        return !documents.contains(where: \.isBroken)
    }

    private static func checkTimes(_ step: TestSpec.Step, _ diagnostics: inout DiagnosticCollector) {
        for name in ["notBefore", "notAfter"] {
            guard let member = step.node["collection"]?.member(name) else { continue }
            diagnostics.report(member.keyError(.stepTime, "'\(name)' can't be used in a test's step"))
        }
    }

    private static func checkSchema(
        _ step: TestSpec.Step, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        guard let model = collection.model.write else { return }
        for document in step.documents ?? [] where document.members != nil {
            for failure in model.compiled.validate(document.value) {
                let node = document.find(failure.instance) ?? document
                if node.isBroken { continue }
                let place = failure.instance.isRoot ? "" : "'\(failure.instance)': "
                diagnostics.report(
                    node.error(
                        .invalidDocument, "\(place)\(failure.message)",
                        notes: model.range.map { [.init("the schema of \(collection.name.phrase) is given", at: $0)] }
                            ?? [],
                        hint: failure.subject.flatMap { Suggestion.hint(for: $0, among: failure.candidates) }))
            }
            checkKey(document, collection, &diagnostics)
        }
    }

    /// Documents of a table without a schema have the key's columns all the same.
    private static func checkKey(
        _ document: Node, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        guard collection.model.isTable else { return }
        for text in collection.key {
            guard let pointer = JSONPointer(written: text.text), document.find(pointer) == nil else { continue }
            diagnostics.report(
                document.error(
                    .invalidDocument, "the document lacks '\(text.text)', a key of \(collection.name.phrase)",
                    notes: [.init("the key is given", at: text.node.range)]))
        }
    }

    private static func checkOrder(
        _ step: TestSpec.Step, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        let key = DocumentKey(of: collection)
        var last: (values: [JSONValue], node: Node)?
        for document in step.documents ?? [] {
            guard let values = key.whole(of: document.value) else {
                last = nil
                continue
            }
            if let last, DocumentOrder.compare(.array(last.values), .array(values)) == .descending {
                diagnostics.report(
                    document.error(
                        .verifyOrder, "the document comes before the one listed above it in the order of the key",
                        notes: [.init("that one is", at: last.node.range)]))
            }
            last = (values, document)
        }
    }
}

import Diagnostics

/// Every collection that an enabled binding writes or reads is defined.
enum DefinedCollectionRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        guard catalog.isComplete else { return }
        let defined = Dictionary(
            catalog.collections.map { ($0.name.text, $0.name) }, uniquingKeysWith: { first, _ in first })
        let others = Dictionary(catalog.names.map { ($0.text, $0) }, uniquingKeysWith: { first, _ in first })
        var guesses = Suggestion.Guesses(catalog.collections.map(\.name.text))
        func check(_ reference: LocatedText?, _ use: String) {
            guard let reference, !reference.node.isBroken, defined[reference.text] == nil else { return }
            guard NameRule.isLegal(reference.text) else { return }
            let nearest = guesses.nearest(to: reference.text)
            let other = others[reference.text]
            let note =
                other.map { ("\($0.phrase) is defined", $0.range) }
                ?? nearest.flatMap { near in defined[near].map { ("'\(near)' is defined", $0.range) } }
            diagnostics.report(
                reference.node.error(
                    .undefinedCollection, "collection '\(reference.text)', \(use), is not defined",
                    notes: note.map { [Diagnostic.Note($0.0, at: $0.1)] } ?? [],
                    hint: nearest.map { "did you mean '\($0)'?" }))
        }
        for task in catalog.captures {
            for binding in task.enabledBindings { check(binding.target, "written by \(task.name.phrase)") }
        }
        for task in catalog.materializations {
            for binding in task.enabledBindings where !binding.isAutomatic {
                check(binding.source, "read by \(task.name.phrase)")
            }
        }
        for test in catalog.tests {
            for step in test.steps { check(step.collection, "used by \(test.name.phrase)") }
        }
    }
}

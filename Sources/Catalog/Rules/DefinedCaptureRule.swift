import Diagnostics

/// The capture that a materialization takes its bindings from is defined.
enum DefinedCaptureRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        guard catalog.isComplete else { return }
        var guesses = Suggestion.Guesses(catalog.captures.map(\.name.text))
        for task in catalog.materializations {
            guard let source = task.sourceCapture?.capture, catalog.capture(source.text) == nil else { continue }
            let nearest = guesses.nearest(to: source.text)
            let notes = nearest.flatMap { near in
                catalog.capture(near).map { [Diagnostic.Note("'\(near)' is defined", at: $0.name.range)] }
            }
            diagnostics.report(
                source.node.error(
                    .undefinedCapture, "capture '\(source.text)', named by \(task.name.phrase), is not defined",
                    notes: notes ?? [], hint: nearest.map { "did you mean '\($0)'?" }))
        }
    }
}

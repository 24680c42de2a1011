import Diagnostics

/// What is materialized is captured: else nothing would ever arrive.
enum FedCollectionRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        guard catalog.isComplete else { return }
        let defined = Set(catalog.collections.map(\.name.text))
        let written = Set(catalog.captures.flatMap { $0.enabledBindings.compactMap { $0.target?.text } })
        // A target that is not defined is a fault already, and perhaps the very one that is missed here.
        guard written.isSubset(of: defined) else { return }
        for task in catalog.materializations where !task.isDisabled {
            for binding in task.enabledBindings {
                guard let source = binding.source, !written.contains(source.text),
                    defined.contains(source.text)
                else { continue }
                diagnostics.report(
                    source.node.diagnostic(
                        .warning, .unfedCollection,
                        "collection '\(source.text)', read by \(task.name.phrase), is written by no capture"))
            }
        }
    }
}

import Diagnostics

/// An enabled task has something to do.
enum EmptyTaskRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.captures where !task.isDisabled && task.enabledBindings.isEmpty {
            report(task.name, &diagnostics)
        }
        for task in catalog.materializations
        where !task.isDisabled && task.enabledBindings.isEmpty && task.sourceCapture == nil {
            report(task.name, &diagnostics)
        }
    }

    private static func report(_ name: EntityName, _ diagnostics: inout DiagnosticCollector) {
        guard name.node.members != nil, let bindings = name.node["bindings"], bindings.items != nil, !bindings.isCut
        else { return }
        diagnostics.report(name.warning(.noBindings, "\(name.phrase) has no enabled binding"))
    }
}

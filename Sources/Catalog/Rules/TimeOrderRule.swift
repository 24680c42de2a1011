import Diagnostics

/// `notBefore` is before `notAfter`.
enum TimeOrderRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.materializations {
            for binding in task.enabledBindings {
                guard let before = binding.notBefore, let after = binding.notAfter,
                    let start = Timestamp(before.text), let end = Timestamp(after.text), !(start < end)
                else { continue }
                diagnostics.report(
                    before.node.error(
                        .timeOrder, "notBefore \(before.text) is not before notAfter \(after.text)",
                        notes: [.init("notAfter is given", at: after.node.range)]))
            }
        }
    }
}

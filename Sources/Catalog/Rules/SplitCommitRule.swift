import Diagnostics
import YAML

/// Several writers of one materialization give up what one keeps: it is said where they are asked for.
enum SplitCommitRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.materializations where !task.isDisabled {
            guard let member = task.endpoint.config?.member("tasks"), let tasks = member.value.int, tasks > 1 else {
                continue
            }
            diagnostics.report(
                .note(
                    .splitCommits,
                    "\(task.name.phrase) stores large commits by \(tasks) writers, each its own tables: whoever reads there can see "
                        + "tables that differ by a commit",
                    at: member.keyRange, pointer: member.value.pointer.description, notes: member.value.aliasNotes))
        }
    }
}

import Diagnostics
import YAML

/// An append-only table has a row for each change: what is said of rows that go, or that are there before, means nothing to it.
/// What an endpoint says of deletes is of its other tables, now or later.
enum AppendingRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.materializations where !task.isDisabled {
            for binding in task.enabledBindings where task.appends(binding) {
                for member in ["deleteMode", "adopt"].compactMap({ binding.resource?.member($0) }) where isMeant(member)
                {
                    report(member, &diagnostics)
                }
            }
        }
    }

    private static func isMeant(_ member: Node.Member) -> Bool {
        switch member.key {
        case "adopt": member.value.bool == true
        default: ["soft", "ignore"].contains(member.value.string)
        }
    }

    private static func report(_ member: Node.Member, _ diagnostics: inout DiagnosticCollector) {
        let value = member.value.string ?? (member.value.bool == true ? "true" : "false")
        diagnostics.report(
            .error(
                .onlyMirrored,
                "'\(member.key): \(value)' is of tables that mirror their source, and the table is append-only",
                at: member.keyRange, pointer: member.value.pointer.description, notes: member.value.aliasNotes,
                hint: member.key == "adopt"
                    ? "take it out, and name an empty table or skip the backfill"
                    : "take it out: a delete is a row of its own there, with 'd' in _meta/op"))
    }
}

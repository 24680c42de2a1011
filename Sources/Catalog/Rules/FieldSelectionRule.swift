import Diagnostics
import YAML

/// A field is required or excluded, not both, and rows are told apart by the collection's key only.
enum FieldSelectionRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.materializations {
            for binding in task.enabledBindings {
                guard let fields = binding.fields else { continue }
                checkBoth(fields, &diagnostics)
                checkGroup(fields, catalog.collection(binding.source?.text ?? ""), &diagnostics)
            }
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

    private static func checkGroup(
        _ fields: Node, _ collection: CollectionSpec?, _ diagnostics: inout DiagnosticCollector
    ) {
        guard let group = fields.member("groupBy"), let collection else { return }
        let names = (group.value.items ?? []).compactMap(\.string)
        if names.isEmpty || names.map({ "/" + $0 }) == collection.key.map(\.text) { return }
        diagnostics.report(
            group.keyError(
                .notSupported, "'fields.groupBy' with fields other than the collection's key is not supported",
                hint: "change the collection's key, or remove 'groupBy'"))
    }
}

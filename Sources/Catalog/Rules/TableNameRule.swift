import Diagnostics
import YAML

/// The names of destination tables, their schemas and columns are as long as Postgres lets names be.
enum TableNameRule: CatalogRule {
    /// Bytes of a name; Postgres cuts off what is more, so that two names can become one.
    private static let limit = 63
    private static let hint = "give a shorter name"

    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.materializations {
            check(task.endpoint.config?["schema"], "schema", hint, &diagnostics)
            for binding in task.enabledBindings {
                let hint = binding.isAutomatic ? "write the binding yourself, with a shorter name" : Self.hint
                check(binding.resource?["schema"], "schema", hint, &diagnostics)
                check(binding.resource?["table"], "table", hint, &diagnostics)
                checkColumns(of: binding, catalog, &diagnostics)
            }
        }
    }

    /// Columns that a projection names; the others have their names from the source.
    private static func checkColumns(
        of binding: MaterializationSpec.Binding, _ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector
    ) {
        guard let collection = binding.source.flatMap({ catalog.collection($0.text) }) else { return }
        let excluded = Set((binding.fields?["exclude"]?.items ?? []).compactMap(\.string))
        for member in collection.name.node["projections"]?.members ?? [] where !excluded.contains(member.key) {
            guard let message = message(member.key, "column"),
                collection.columns.renamed.contains(where: { $0.field == member.key })
            else { continue }
            diagnostics.report(member.keyError(.longName, message, hint: "give the projection a shorter name"))
        }
    }

    private static func check(
        _ node: Node?, _ kind: String, _ hint: String, _ diagnostics: inout DiagnosticCollector
    ) {
        guard let node, let name = node.string, let message = message(name, kind) else { return }
        diagnostics.report(node.error(.longName, message, hint: hint))
    }

    private static func message(_ name: String, _ kind: String) -> String? {
        guard name.utf8.count > limit else { return nil }
        var start = String.UnicodeScalarView()
        var bytes = 0
        for scalar in name.unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > limit { break }
            start.append(scalar)
        }
        return "the \(kind)'s name has \(name.utf8.count) bytes, and Postgres cuts it to '\(String(start))'"
    }
}

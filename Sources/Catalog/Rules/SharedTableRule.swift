import Diagnostics
import YAML

/// No two enabled materializations keep the same table of the same database.
enum SharedTableRule: CatalogRule {
    private struct Table: Hashable {
        let address: String
        let database: String
        let schema: String
        let name: String
    }

    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        var known: [Table: (task: MaterializationSpec, place: Node)] = [:]
        for task in catalog.materializations where !task.isDisabled {
            guard let config = task.endpoint.config, let address = config["address"]?.string else { continue }
            for binding in task.enabledBindings {
                guard let place = binding.resource?["table"], let name = place.string else { continue }
                let table = Table(
                    address: ServerAddress.normalized(address), database: config["database"]?.string ?? "postgres",
                    schema: binding.resource?["schema"]?.string ?? task.defaultSchema, name: name)
                guard let other = known[table] else {
                    known[table] = (task, place)
                    continue
                }
                if other.task.name.text == task.name.text { continue }
                diagnostics.report(
                    place.diagnostic(
                        .warning, .sharedTable,
                        "\(task.name.phrase) writes table '\(table.schema).\(name)', as \(other.task.name.phrase) does",
                        notes: [.init("\(other.task.name.phrase) writes it", at: other.place.range)]))
            }
        }
    }
}

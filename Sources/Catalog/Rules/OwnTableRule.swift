import Diagnostics
import YAML

/// No binding writes into, or captures, a table in which flowctl keeps how far it is.
enum OwnTableRule: CatalogRule {
    /// As a destination has them.
    private static let names: Set<String> = ["bindings", "checkpoints", "parked_changes", "parks", "signals"]

    private struct Schema: Hashable {
        let address: String
        let database: String
        let name: String

        /// Nil where the config says no address.
        init?(_ config: Node?, _ name: String) {
            guard let config, let address = config["address"]?.string else { return nil }
            self.address = ServerAddress.normalized(address)
            database = config["database"]?.string ?? "postgres"
            self.name = name
        }
    }

    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        var own: Set<Schema> = []
        let tasks = catalog.materializations.filter { !$0.isDisabled }
        for task in tasks {
            let config = task.endpoint.config
            if let schema = Schema(config, config?["advanced"]?["metadataSchema"]?.string ?? "flow") {
                own.insert(schema)
            }
        }
        for task in tasks {
            for binding in task.enabledBindings {
                guard let place = binding.resource?["table"], let name = place.string, isOwn(name),
                    let schema = Schema(
                        task.endpoint.config, binding.resource?["schema"]?.string ?? task.defaultSchema),
                    own.contains(schema)
                else { continue }
                diagnostics.report(
                    place.error(
                        .ownTable,
                        "\(task.name.phrase) writes table '\(schema.name).\(name)', in which flowctl keeps how far it is",
                        hint: "name another table, or another schema in advanced.metadataSchema"))
            }
        }
        for capture in catalog.captures where !capture.isDisabled {
            for binding in capture.enabledBindings {
                guard let place = binding.resource?["stream"], let name = binding.stream, isOwn(name),
                    let schema = Schema(capture.endpoint.config, binding.namespace), own.contains(schema)
                else { continue }
                diagnostics.report(
                    place.error(
                        .ownTable,
                        "\(capture.name.phrase) captures table '\(schema.name).\(name)', in which flowctl keeps how far it is",
                        hint: "take the binding out"))
            }
        }
    }

    private static func isOwn(_ name: String) -> Bool { names.contains(name) || name.hasPrefix("adopting_") }
}

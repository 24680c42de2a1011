import Diagnostics
import JSON
import YAML

/// Within a task no two enabled bindings are of the same table.
enum ResourceRule: CatalogRule {
    /// Told apart by their names' bytes, as the servers do.
    private struct Table: Hashable {
        let schema: JSONKey
        let name: JSONKey
    }

    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.captures {
            let tables = task.enabledBindings.compactMap { binding in
                binding.stream.map {
                    (Table(schema: JSONKey(binding.namespace), name: JSONKey($0)), binding.resource, binding.target)
                }
            }
            check(tables, task.name, &diagnostics)
        }
        for task in catalog.materializations {
            let tables = task.enabledBindings.compactMap { binding in
                binding.resource?["table"]?.string.map { name in
                    let schema = binding.resource?["schema"]?.string ?? task.defaultSchema
                    return (Table(schema: JSONKey(schema), name: JSONKey(name)), binding.resource, binding.source)
                }
            }
            check(tables, task.name, &diagnostics)
        }
    }

    private static func check(
        _ tables: [(Table, Node?, LocatedText?)], _ task: EntityName, _ diagnostics: inout DiagnosticCollector
    ) {
        var known: [Table: (resource: Node, collection: LocatedText?)] = [:]
        for (table, resource, collection) in tables {
            guard let resource else { continue }
            guard let first = known[table] else {
                known[table] = (resource, collection)
                continue
            }
            var which = ""
            if let one = first.collection?.text, let other = collection?.text, one != other {
                which = ", of '\(one)' and of '\(other)'"
            }
            let name = resource["stream"] ?? resource["table"] ?? resource
            diagnostics.report(
                name.error(
                    .duplicateResource,
                    "\(task.phrase) has two bindings of table '\(table.schema.text).\(table.name.text)'\(which)",
                    notes: [
                        .init(
                            "the other one is",
                            at: (first.resource["stream"] ?? first.resource["table"] ?? first.resource).range)
                    ]))
        }
    }
}

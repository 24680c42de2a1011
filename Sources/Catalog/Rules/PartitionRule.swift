import Diagnostics
import JSON
import JSONSchema
import YAML

/// A selection of partitions names partitioned fields of the collection and values that they can have.
enum PartitionRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.materializations {
            for binding in task.enabledBindings {
                guard let selector = binding.partitions, let name = binding.source?.text,
                    let collection = catalog.collection(name)
                else { continue }
                check(selector, collection, &diagnostics)
            }
        }
        for test in catalog.tests {
            for step in test.steps {
                guard let selector = step.partitions, let name = step.collection?.text,
                    let collection = catalog.collection(name)
                else { continue }
                check(selector, collection, &diagnostics)
            }
        }
    }

    private static func check(
        _ selector: Node, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        let fields = collection.fields()
        for side in ["include", "exclude"] {
            for member in selector[side]?.members ?? [] where !member.key.hasPrefix("x-") {
                guard let field = fields.first(where: { $0.name == member.key }), field.isPartition else {
                    let partitions = fields.filter(\.isPartition).map(\.name)
                    diagnostics.report(
                        member.keyError(
                            .partitionSelector,
                            "'\(member.key)' is no partitioned field of \(collection.name.phrase)",
                            hint: Suggestion.hint(for: member.key, among: partitions)
                                ?? "make it one: projections: { \(member.key): { location: /…, partition: true } }"))
                    continue
                }
                for value in member.value.items ?? [] { check(value, field, collection, &diagnostics) }
            }
        }
    }

    private static func check(
        _ node: Node, _ field: Field, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        if node.string == "" {
            diagnostics.report(node.error(.partitionSelector, "a partition's value can't be empty text"))
            return
        }
        guard let value = node.scalar, let shape = field.shape, !collection.model.isOpen else { return }
        guard TypeSet(of: value).isDisjoint(with: shape.types) else { return }
        diagnostics.report(
            node.error(
                .partitionSelector,
                "'\(field.name)' is of type \(ShapeInspection.phrase(shape.types)), not \(value.typeName)"))
    }
}

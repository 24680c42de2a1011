import Diagnostics
import YAML

/// Parts of the language that don't run here are errors, or notes where ignoring them does no harm.
enum UnsupportedRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for collection in catalog.collections {
            if let derive = collection.name.node.member("derive") {
                diagnostics.report(
                    derive.keyError(
                        .notSupported, "'derive' of \(collection.name.phrase) is not supported",
                        hint: "remove it, or capture the collection"))
            }
            note(["expectPubId", "journals", "delete", "reset"], of: collection.name, &diagnostics)
        }
        for test in catalog.tests { note(["expectPubId", "delete"], of: test.name, &diagnostics) }
        for task in catalog.captures {
            note(["interval", "expectPubId", "delete", "reset", "redactSalt"], of: task.name, &diagnostics)
            noteShards(task.name, &diagnostics)
        }
        for task in catalog.materializations {
            note(["expectPubId", "delete", "reset", "triggers"], of: task.name, &diagnostics)
            noteShards(task.name, &diagnostics)
            if task.sourceCapture == nil, let naming = task.name.node.member("targetNaming") {
                diagnostics.report(noEffect(naming, "'targetNaming' of \(task.name.phrase), without 'source',"))
            }
            for binding in task.enabledBindings {
                noteExtensions(binding, &diagnostics)
                if binding.resource?["delta_updates"]?.bool == true, let group = binding.fields?.member("groupBy") {
                    diagnostics.report(noEffect(group, "'fields.groupBy' of a table that appends every change"))
                }
            }
        }
    }

    private static func noteExtensions(_ binding: MaterializationSpec.Binding, _ diagnostics: inout DiagnosticCollector)
    {
        for member in (binding.fields?["require"] ?? binding.fields?["include"])?.members ?? []
        where member.key.hasPrefix("x-") {
            diagnostics.report(noEffect(member, "'\(member.key)', an extension and no field,"))
        }
    }

    private static func note(_ names: [String], of entity: EntityName, _ diagnostics: inout DiagnosticCollector) {
        for name in names {
            guard let member = entity.node.member(name), member.value.bool != false else { continue }
            diagnostics.report(noEffect(member, "'\(name)' of \(entity.phrase)"))
        }
    }

    private static func noteShards(_ entity: EntityName, _ diagnostics: inout DiagnosticCollector) {
        for member in entity.node["shards"]?.members ?? [] where member.key != "disable" && !member.key.hasPrefix("x-")
        {
            diagnostics.report(noEffect(member, "'shards.\(member.key)' of \(entity.phrase)"))
        }
    }

    /// The note about a setting that is ignored.
    static func noEffect(_ member: Node.Member, _ what: String) -> Diagnostic {
        .note(
            .noEffect, "\(what) has no effect here", at: member.keyRange, pointer: member.value.pointer.description,
            notes: member.value.aliasNotes)
    }
}

import Diagnostics
import YAML

/// A name without a slash that begins with `x-` is an extension, also where entities are: it is said where it looks like one.
enum ExtensionNameRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for (kind, member) in catalog.extensions {
            diagnostics.report(
                .note(
                    .noEffect,
                    "'\(member.key)' is not read as a \(kind.rawValue): names that begin with x- and have no slash are extensions",
                    at: member.keyRange, pointer: member.value.pointer.description,
                    hint: "where it is meant to be one, give it a name such as 'team/\(member.key)'"))
        }
    }
}

import Diagnostics
import YAML

/// A collection has `schema`, or `writeSchema` and `readSchema`, or none of them.
enum SchemaCombinationRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for collection in catalog.collections {
            let members = ["schema", "writeSchema", "readSchema"].map { collection.name.node.member($0) }
            let (both, write, read) = (members[0], members[1], members[2])
            if let both, write != nil || read != nil {
                for other in [write, read].compactMap({ $0 }) {
                    diagnostics.report(
                        other.keyError(
                            .schemaCombination, "\(collection.name.phrase) has '\(other.key)' beside 'schema'",
                            notes: [.init("'schema' is given", at: both.keyRange)],
                            hint: "keep 'schema', or both 'writeSchema' and 'readSchema'"))
                }
            } else if both == nil, let one = write ?? read, write == nil || read == nil, !collection.name.node.isCut {
                let missing = write == nil ? "writeSchema" : "readSchema"
                diagnostics.report(
                    one.keyError(
                        .schemaCombination, "\(collection.name.phrase) has '\(one.key)' without '\(missing)'",
                        hint: "add '\(missing)', or name the one schema 'schema'"))
            }
        }
    }
}

import Diagnostics
import JSON
import YAML

/// A projection gives a name of its own to a location that the collection has.
enum ProjectionRule: CatalogRule {
    /// Where the time of publication is, which no schema speaks of.
    static let publishedAt = "/_meta/uuid/date-time"

    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for collection in catalog.collections {
            var known: [String: Node.Member] = [:]
            for member in collection.name.node["projections"]?.members ?? [] {
                guard !member.isExtension, !member.value.isBroken else { continue }
                let folded = member.key.lowercased()
                if let other = known[folded] {
                    diagnostics.report(
                        member.keyError(
                            .nameCollision,
                            "projections '\(member.key)' and '\(other.key)' of \(collection.name.phrase) differ in letter case only",
                            notes: [.init("'\(other.key)' is given", at: other.keyRange)]))
                }
                known[folded] = known[folded] ?? member
                check(member, of: collection, &diagnostics)
            }
        }
    }

    private static func check(
        _ member: Node.Member, of collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        let isPartition = member.value["partition"]?.bool ?? false
        if JSONPointer(fieldName: member.key) == nil {
            diagnostics.report(
                member.keyError(
                    .projection, "'\(member.key)' is no name for a projection",
                    hint: member.key.isEmpty
                        ? "give the projection a name"
                        : "a name has no slash at an end nor two in a row, and writes '~' as '~0'"))
            return
        }
        if isPartition, member.key.contains("/") || !NameRule.isLegal(member.key) {
            diagnostics.report(
                member.keyError(
                    .projection, "'\(member.key)' is no name for a partition",
                    hint: "use letters, digits, '-', '_' and '.'"))
        }
        guard let text = LocatedText(member.value) ?? LocatedText(member.value["location"]) else { return }
        guard let pointer = JSONPointer(written: text.text) else {
            diagnostics.report(KeyRule.syntaxFault(text, "projection '\(member.key)'"))
            return
        }
        if text.text == publishedAt { return }
        if !pointer.isRoot { checkLocation(pointer, text, member, of: collection, &diagnostics) }
        checkName(pointer, text, member, of: collection, &diagnostics)
    }

    private static func checkLocation(
        _ pointer: JSONPointer, _ text: LocatedText, _ member: Node.Member, of collection: CollectionSpec,
        _ diagnostics: inout DiagnosticCollector
    ) {
        guard let read = collection.model.read, !collection.model.isTable else { return }
        let existence = read.shape.locate(pointer).existence
        guard existence <= .implicit else {
            if member.value["partition"]?.bool == true {
                _ = KeyRule.report(
                    pointer, text, "'\(text.text)', by which '\(member.key)' makes partitions,", in: read, &diagnostics)
            }
            return
        }
        if existence == .implicit, read.isOpen || pointer.isMetadata { return }
        let reason = existence == .cannot ? "forbids" : "does not have"
        diagnostics.report(
            text.node.error(
                .projection, "projection '\(member.key)' is of '\(text.text)', which the schema \(reason)",
                notes: read.range.map { [.init("the schema is given", at: $0)] } ?? [],
                hint: Suggestion.hint(for: text.text, among: read.shape.locations().map { $0.pointer.description })))
    }

    /// A name that is a location's own can only be given to that location.
    private static func checkName(
        _ pointer: JSONPointer, _ text: LocatedText, _ member: Node.Member, of collection: CollectionSpec,
        _ diagnostics: inout DiagnosticCollector
    ) {
        guard let canonical = JSONPointer(fieldName: member.key), canonical != pointer else { return }
        let isKey = collection.key.contains { $0.text == canonical.description }
        let existence = collection.model.isTable ? nil : collection.model.read?.shape.locate(canonical).existence
        let isNamed = collection.model.read?.shape.locations().contains { $0.pointer == canonical } ?? false
        guard isKey || (isNamed && existence != .cannot) else { return }
        diagnostics.report(
            text.node.error(
                .projection,
                "projection '\(member.key)' is of '\(text.text)', but the name is that of '\(canonical)'",
                hint: "give the projection another name"))
    }
}

import Diagnostics
import JSON
import YAML

/// What the catalog's language has and `apply` doesn't follow yet is a warning; `apply` itself refuses to run with it.
enum UnfollowedRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.captures where !task.isDisabled {
            report(task.name, task.endpoint, task.enabledBindings.compactMap(\.resource), &diagnostics)
            let discovery = task.name.node["autoDiscover"]
            for name in ["addNewBindings", "evolveIncompatibleCollections"] {
                guard let member = discovery?.member(name), member.value.bool == true else { continue }
                let discover =
                    "remove it; apply refuses to run with it, and 'flowctl discover --capture \(task.name.text) FILE' adds "
                    + "new tables to the file"
                diagnostics.report(
                    warning(member, "autoDiscover.\(name)", task.name, or: name == "addNewBindings" ? discover : nil))
            }
        }
        var known: Set<String> = []
        var redacted: Set<String> = []
        // What is previewed leaves the source too.
        for binding in catalog.captures.filter({ !$0.isDisabled }).flatMap(\.enabledBindings) {
            guard let collection = binding.target.flatMap({ catalog.collection($0.text) }) else { continue }
            if redacted.insert(collection.name.text).inserted { checkRedaction(collection, &diagnostics) }
        }
        for task in catalog.materializations where !task.isDisabled {
            let written = task.enabledBindings.filter { !$0.isAutomatic }
            report(task.name, task.endpoint, written.compactMap(\.resource), &diagnostics)
            for binding in written { checkPartitions(binding, task.name, &diagnostics) }
            for binding in task.enabledBindings {
                guard let collection = binding.source.flatMap({ catalog.collection($0.text) }) else { continue }
                checkProjections(binding, collection, &diagnostics)
                checkParts(binding, isDelta: task.appends(binding), collection, &diagnostics)
                checkGroup(binding, collection, &diagnostics)
                if !task.appends(binding) { checkRowKey(binding, of: task, collection, catalog, &diagnostics) }
                if known.insert(collection.name.text).inserted { checkKey(collection, &diagnostics) }
                if redacted.insert(collection.name.text).inserted { checkRedaction(collection, &diagnostics) }
            }
        }
    }

    private static func report(
        _ task: EntityName, _ endpoint: EndpointSpec, _ resources: [Node], _ diagnostics: inout DiagnosticCollector
    ) {
        for property in endpoint.connector.flatMap(EndpointProperty.all) ?? [] {
            if let member = endpoint.config.flatMap({ property.unfollowed(in: $0, isResource: false) }) {
                diagnostics.report(warning(member, property.name, task))
            }
            for resource in resources {
                guard let member = property.unfollowed(in: resource, isResource: true) else { continue }
                diagnostics.report(warning(member, property.name, task))
            }
        }
    }

    /// All partitions are taken; a selection that leaves out none is fine.
    private static func checkPartitions(
        _ binding: MaterializationSpec.Binding, _ task: EntityName, _ diagnostics: inout DiagnosticCollector
    ) {
        let isSelective = ["include", "exclude"].contains { side in
            binding.partitions?[side]?.members?.contains { !$0.key.hasPrefix("x-") } ?? false
        }
        guard isSelective, let member = binding.node["source"]?.member("partitions") else { return }
        diagnostics.report(warning(member, "source.partitions", task))
    }

    /// A mirrored table's rows are told apart by whole columns.
    private static func checkGroup(
        _ binding: MaterializationSpec.Binding, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        guard binding.resource?["delta_updates"]?.bool != true else { return }
        for node in binding.fields?["groupBy"]?.items ?? [] {
            guard let field = node.string, let pointer = collection.location(ofField: field) else { continue }
            guard pointer.tokens.count != 1 || pointer.isMetadata else { continue }
            diagnostics.report(
                node.diagnostic(
                    .warning, .notFollowedYet,
                    "field '\(field)' is grouped by, and apply tells rows apart by whole columns of the table",
                    hint: "group by columns; apply refuses to run with it"))
        }
    }

    /// Columns are taken whole: a projection of a part of one is not materialized, and a part can't be left out of it.
    private static func checkProjections(
        _ binding: MaterializationSpec.Binding, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        let required = Set((binding.fields?["require"] ?? binding.fields?["include"])?.keys ?? [])
        let excluded = Set((binding.fields?["exclude"]?.items ?? []).compactMap(\.string))
        let recommended = binding.fields?["recommended"]
        let takesNone = recommended?.bool == false || recommended?.int == 0
        for field in takesNone ? [] : collection.projectedFields() where field.pointer.tokens.count > 1 {
            guard !field.pointer.isMetadata, !required.contains(field.name), !excluded.contains(field.name),
                let projection = collection.name.node["projections"]?.member(field.name)
            else { continue }
            diagnostics.report(
                .warning(
                    .notFollowedYet,
                    "projection '\(field.name)' is materialized, and apply stores columns whole, not parts of them",
                    at: projection.keyRange, pointer: projection.value.pointer.description,
                    notes: projection.value.aliasNotes,
                    hint: "exclude '\(field.name)' in the binding's fields; apply refuses to run"))
        }
        for node in binding.fields?["exclude"]?.items ?? [] {
            guard let field = node.string else { continue }
            let isProjected = collection.name.node["projections"]?.member(field) != nil
            guard !isProjected, let pointer = JSONPointer(fieldName: field), pointer.tokens.count > 1,
                !pointer.isMetadata, let column = pointer.tokens.first.map(JSONPointer.escape),
                !excluded.contains(column)
            else { continue }
            diagnostics.report(
                node.diagnostic(
                    .warning, .notFollowedYet,
                    "field '\(field)' is excluded, and apply stores columns whole, with all parts",
                    hint: "exclude '\(column)'; apply refuses to run with it"))
        }
    }

    /// Columns are taken whole: a field within one has none of its own, and the document as a whole has none either.
    private static func checkParts(
        _ binding: MaterializationSpec.Binding, isDelta: Bool, _ collection: CollectionSpec,
        _ diagnostics: inout DiagnosticCollector
    ) {
        let projections = collection.name.node["projections"]
        var columns: [String: Node.Member] = [:]
        for member in (binding.fields?["require"] ?? binding.fields?["include"])?.members ?? []
        where !member.key.hasPrefix("x-") {
            let projection = projections?[member.key]
            let location = projection?.string ?? projection?["location"]?.string
            guard let pointer = location.map(JSONPointer.init(written:)) ?? JSONPointer(fieldName: member.key),
                let first = pointer.tokens.first.map(JSONPointer.escape) ?? (pointer.isRoot ? "" : nil)
            else { continue }
            if first == "_meta" {
                checkMetadata(member, isDelta: isDelta, &diagnostics)
                continue
            }
            if pointer.tokens.count == 1, member.key != "flow_document" {
                checkOnce(member, first, &columns, &diagnostics)
                continue
            }
            let isWhole = pointer.isRoot || member.key == "flow_document"
            diagnostics.report(
                .warning(
                    .notFollowedYet,
                    isWhole
                        ? "field '\(member.key)' is required, and apply stores no whole documents"
                        : "field '\(member.key)' is required, and apply stores columns whole, not parts of them",
                    at: member.keyRange, pointer: member.value.pointer.description, notes: member.value.aliasNotes,
                    hint: isWhole
                        ? "remove it; apply refuses to run with it" : "require '\(first)'; apply refuses to run with it"
                ))
        }
    }

    /// Rows of a mirrored table without a key among its columns are known by all of their values, as the source has them all.
    private static func checkRowKey(
        _ binding: MaterializationSpec.Binding, of task: MaterializationSpec, _ collection: CollectionSpec,
        _ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector
    ) {
        let pointers = collection.key.compactMap { JSONPointer(written: $0.text) }
        guard let source = binding.source, !pointers.isEmpty, pointers.allSatisfy(\.isMetadata) else { return }
        let key = collection.key.first.map { [Diagnostic.Note("its key is given", at: $0.node.range)] } ?? []
        let isPlace = pointers.allSatisfy { Array($0.tokens.prefix(3)) == ["_meta", "source", "loc"] }
        guard isPlace else {
            diagnostics.report(
                source.node.diagnostic(
                    .warning, .notFollowedYet,
                    "\(collection.name.phrase) has no key among its columns, and apply keeps no such table equal to it",
                    notes: key,
                    hint: "name columns that are unique together, or /_meta/source/loc/0 to 2; apply refuses to run"))
            return
        }
        var members: [Node.Member] = []
        for capture in catalog.captures where !capture.isDisabled {
            let bindings = capture.enabledBindings.filter { $0.target?.text == collection.name.text }
            guard !bindings.isEmpty else { continue }
            members += bindings.compactMap { $0.resource?["advanced"]?.member("additional_backfill_filter") }
            if let oldest = capture.endpoint.config?["advanced"]?.member("min_backfill_xid") { members.append(oldest) }
        }
        if let adopts = binding.resource?.member("adopt"), adopts.value.bool == true { members.append(adopts) }
        for name in ["notBefore", "notAfter"] {
            if let member = binding.node["source"]?.member(name) { members.append(member) }
        }
        let policies = [binding.resource, task.endpoint.config].compactMap { $0?.member("onRowError") }
        if let policy = policies.first(where: { $0.value.string != nil }), policy.value.string == "quarantine" {
            members.append(policy)
        }
        for member in members {
            let name = member.key == "onRowError" ? "onRowError: quarantine" : member.key
            diagnostics.report(
                .warning(
                    .notFollowedYet,
                    "'\(name)' needs rows that can be told apart, and \(collection.name.phrase) has no key among its "
                        + "columns", at: member.keyRange, pointer: member.value.pointer.description,
                    notes: key + member.value.aliasNotes,
                    hint:
                        "remove it, set 'delta_updates: true' on the resource, or name columns that are unique together; "
                        + "apply refuses to run"))
        }
    }

    /// Rows are told apart by whole columns.
    private static func checkKey(_ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector) {
        for part in collection.key {
            guard let pointer = JSONPointer(written: part.text), pointer.tokens.count > 1, !pointer.isMetadata else {
                continue
            }
            diagnostics.report(
                part.node.diagnostic(
                    .warning, .notFollowedYet,
                    "key '\(part.text)' is a part of a column, and apply tells rows apart by whole columns",
                    hint: "name the columns that are unique together; apply refuses to run with it"))
        }
    }

    /// A column is stored once, under one name.
    private static func checkOnce(
        _ member: Node.Member, _ column: String, _ columns: inout [String: Node.Member],
        _ diagnostics: inout DiagnosticCollector
    ) {
        guard let other = columns[column] else {
            columns[column] = member
            return
        }
        diagnostics.report(
            .warning(
                .notFollowedYet,
                "fields '\(other.key)' and '\(member.key)' are both of column '\(column)', and apply stores a column once",
                at: member.keyRange, pointer: member.value.pointer.description,
                notes: [.init("'\(other.key)' is required", at: other.keyRange)] + member.value.aliasNotes,
                hint: "require one of them; apply refuses to run with both"))
    }

    /// Of what tells of a change, few things have a column.
    private static func checkMetadata(
        _ member: Node.Member, isDelta: Bool,
        _ diagnostics: inout DiagnosticCollector
    ) {
        let stored =
            ["_meta/op", "flow_published_at"]
            + (isDelta
                ? [
                    "_meta/source/lsn", "_meta/source/seq", "_meta/source/ts_ms", "_meta/source/txid",
                    "_meta/unchanged",
                ]
                : [])
        if stored.contains(member.key) { return }
        let kind = isDelta ? "an append-only table" : "a table that is kept equal to its collection"
        diagnostics.report(
            .warning(
                .notFollowedYet, "field '\(member.key)' is required, and apply has no column for it in \(kind)",
                at: member.keyRange, pointer: member.value.pointer.description, notes: member.value.aliasNotes,
                hint: "remove it, or choose of \(stored.joined(separator: ", ")); apply refuses to run with it"))
    }

    /// Whole columns are left out where they are blocked; what else is to be redacted would be stored as it is.
    private static func checkRedaction(_ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector) {
        // Other strategies are errors.
        for other in collection.redaction.others where Redaction.strategies.contains(other.strategy) {
            let what = other.strategy == "block" ? "removes whole columns only" : "hashes nothing yet"
            let range = other.range ?? collection.name.range
            diagnostics.report(
                .warning(
                    .notFollowedYet, "'redact' of \(collection.name.phrase) is accepted, and apply \(what)",
                    at: range, pointer: (other.node ?? collection.name.node).pointer.description,
                    notes: other.node?.aliasNotes ?? [],
                    hint: "block the whole column; apply refuses to run, so that nothing is stored as it is"))
        }
    }

    private static func warning(
        _ member: Node.Member, _ property: String, _ task: EntityName, or hint: String? = nil
    ) -> Diagnostic {
        .warning(
            .notFollowedYet, "'\(property)' of \(task.phrase) is accepted, and apply doesn't follow it yet",
            at: member.keyRange, pointer: member.value.pointer.description, notes: member.value.aliasNotes,
            hint: hint ?? "remove it; apply refuses to run with it")
    }
}

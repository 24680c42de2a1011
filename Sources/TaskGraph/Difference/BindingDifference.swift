import Connectors
import JSON

/// What changes of a task's bindings mean.
enum BindingDifference {
    // MARK: Captures

    /// Between two states of a capture. A binding is its table.
    static func capture(_ old: CaptureTask, _ new: CaptureTask, _ report: TaskReport) -> [CatalogChange] {
        func name(_ binding: CaptureTask.Binding) -> String { "\(binding.namespace).\(binding.stream)" }
        let before = Dictionary(old.bindings.map { (JSONKey(name($0)), $0) }) { first, _ in first }
        let after = new.bindings.map(name).nameSet
        var changes: [CatalogChange] = []
        for binding in new.bindings {
            let table = name(binding)
            if let known = before[JSONKey(table)] {
                changes += compare(known, binding, table, report)
            } else if !binding.isDisabled {
                changes.append(report.binding(table, .backfill, "is captured", "the table is read"))
            }
        }
        for binding in old.bindings where !after.contains(JSONKey(name(binding))) && !binding.isDisabled {
            let heir = new.bindings.first { $0.collection == binding.collection && !$0.isDisabled }
            changes.append(
                report.binding(
                    name(binding), .restart, "is captured no longer",
                    heir.map { "\(name($0)) feeds '\($0.collection)' in its place" }
                        ?? "what it fed stays as it is and is kept up no longer"))
        }
        return changes
    }

    private static func compare(
        _ old: CaptureTask.Binding, _ new: CaptureTask.Binding, _ table: String, _ report: TaskReport
    ) -> [CatalogChange] {
        var changes: [CatalogChange] = []
        func add(_ effect: CatalogChange.Effect, _ change: String, _ meaning: String) {
            changes.append(report.binding(table, effect, change, meaning))
        }
        if old.isDisabled != new.isDisabled { changes.append(disabled(new.isDisabled, table, report)) }
        if old.collection != new.collection {
            add(
                .backfill, "goes to '\(new.collection)' instead of '\(old.collection)'",
                "the table is read again for what the new collection feeds")
        }
        if old.backfillCounter != new.backfillCounter {
            changes.append(
                counter(old.backfillCounter, new.backfillCounter, .backfill, "the table is read again", table, report))
        }
        if old.columns != new.columns {
            let now = new.columns.map { "only \($0.joined(separator: ", "))" } ?? "every column"
            add(
                .restart, "lets out \(now)",
                "changes that come from then on have these columns; what was copied stays as it is")
        }
        let options = ConfigDifference.paths(old.resource, new.resource).filter { $0 != "namespace" && $0 != "stream" }
        if !options.isEmpty {
            add(.restart, "has another \(options.joined(separator: ", "))", "in force from the next start on")
        }
        return changes
    }

    // MARK: Materializations

    /// Between two states of a materialization. A binding is its table; one whose collection alone has moved to a table
    /// that is new is a renamed one.
    static func materialization(
        _ old: MaterializationTask, _ new: MaterializationTask, _ report: TaskReport
    ) -> [CatalogChange] {
        func name(_ binding: MaterializationTask.Binding) -> String { "\(binding.schema).\(binding.table)" }
        let before = Dictionary(old.bindings.map { (JSONKey(name($0)), $0) }) { first, _ in first }
        let after = new.bindings.map(name).nameSet
        var gone = old.bindings.filter { !after.contains(JSONKey(name($0))) && !$0.isDisabled }
        var changes: [CatalogChange] = []
        for binding in new.bindings {
            let table = name(binding)
            if let known = before[JSONKey(table)] {
                changes += compare(known, binding, table, report)
            } else if !binding.isDisabled {
                let twin = gone.firstIndex {
                    $0.collection == binding.collection && $0.deltaUpdates == binding.deltaUpdates
                }
                if let twin {
                    let other = name(gone.remove(at: twin))
                    changes.append(
                        report.binding(
                            table, .backfill, "takes the place of \(other)",
                            "the new table is made and filled; the old one stays as it is"))
                } else {
                    changes.append(
                        report.binding(
                            table, .backfill, "is new, fed by '\(binding.collection)'", "the table is made and filled"))
                }
            }
        }
        for binding in gone {
            changes.append(
                report.binding(name(binding), .restart, "is fed no longer", "the table stays as it is"))
        }
        return changes
    }

    private static func compare(
        _ old: MaterializationTask.Binding, _ new: MaterializationTask.Binding, _ table: String, _ report: TaskReport
    ) -> [CatalogChange] {
        var changes: [CatalogChange] = []
        func add(_ effect: CatalogChange.Effect, _ change: String, _ meaning: String) {
            changes.append(report.binding(table, effect, change, meaning))
        }
        if old.isDisabled != new.isDisabled { changes.append(disabled(new.isDisabled, table, report)) }
        if old.collection != new.collection {
            add(
                .destructive, "is fed by '\(new.collection)' instead of '\(old.collection)'",
                "what the table holds is another collection's: it must be rebuilt")
        }
        if old.fields.groupBy != new.fields.groupBy, old.key != new.key, !new.deltaUpdates {
            add(
                .destructive,
                "tells rows apart by [\(new.key.joined(separator: ", "))] instead of "
                    + "[\(old.key.joined(separator: ", "))]",
                "a table's key can't become another one: it must be rebuilt")
        }
        if old.deltaUpdates != new.deltaUpdates {
            add(
                .destructive, new.deltaUpdates ? "appends every change" : "mirrors instead of appending",
                "a table of one kind can't become one of the other: it must be rebuilt")
        }
        if old.backfillCounter != new.backfillCounter {
            changes.append(
                counter(
                    old.backfillCounter, new.backfillCounter, .destructive, "the table is emptied and built again",
                    table,
                    report))
        }
        changes += FieldDifference.columns(old.columns, new.columns, table, report)
        changes += FieldDifference.required(old.fields, new.fields, table, report)
        var options = ConfigDifference.paths(old.resource, new.resource)
            .filter { !["table", "schema", "delta_updates", "insertMode"].contains($0) }
        if old.priority != new.priority { options.append("priority") }
        if old.onIncompatibleSchemaChange != new.onIncompatibleSchemaChange {
            options.append("onIncompatibleSchemaChange")
        }
        if old.window != new.window {
            add(
                .restart, "takes what was committed \(words(new)) instead of \(words(old))",
                "in force from the next start on: nothing is read again, and what is there stays")
        }
        if !options.isEmpty {
            add(.restart, "has another \(options.joined(separator: ", "))", "in force from the next start on")
        }
        return changes
    }

    /// A window in words.
    private static func words(_ binding: MaterializationTask.Binding) -> String {
        let bounds = [
            binding.notBefore.map { "not before \($0)" }, binding.notAfter.map { "not after \($0)" },
        ].compactMap { $0 }
        return bounds.isEmpty ? "at any time" : bounds.joined(separator: " and ")
    }

    // MARK: Both

    private static func disabled(_ isDisabled: Bool, _ table: String, _ report: TaskReport) -> CatalogChange {
        isDisabled
            ? report.binding(table, .restart, "is disabled", "it is kept up no longer; what is there stays")
            : report.binding(table, .backfill, "is enabled", "what happened meanwhile isn't known: the table is read")
    }

    private static func counter(
        _ old: Int, _ new: Int, _ effect: CatalogChange.Effect, _ meaning: String, _ table: String, _ report: TaskReport
    ) -> CatalogChange {
        new > old
            ? report.binding(table, effect, "has the backfill counter \(new) instead of \(old)", meaning)
            : report.binding(
                table, .none, "has the backfill counter \(new) instead of \(old)",
                "it never goes down: apply refuses the table until it is raised")
    }
}

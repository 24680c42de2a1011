import JSON

/// Compares two catalogs task by task and says what each difference means when the new one is applied. Pure.
public struct CatalogDifference {
    private let old: CatalogSnapshot
    private let new: CatalogSnapshot
    private var changes: [CatalogChange] = []

    /// The changes from one catalog to another: captures, collections, materializations, each in the order of the new
    /// catalog with what is gone behind.
    public static func changes(from old: CatalogSnapshot, to new: CatalogSnapshot) -> [CatalogChange] {
        var difference = CatalogDifference(old: old, new: new)
        difference.captures()
        difference.collections()
        difference.materializations()
        return difference.changes
    }

    private init(old: CatalogSnapshot, new: CatalogSnapshot) {
        self.old = old
        self.new = new
    }

    // MARK: Captures

    private mutating func captures() {
        let before = Dictionary(old.graph.captures.map { ($0.name, $0) }) { first, _ in first }
        let after = Set(new.graph.captures.map(\.name))
        for task in new.graph.captures {
            if let known = before[task.name] {
                let report = TaskReport(.capture, task.name)
                changes += ConfigDifference.capture(known, task, report)
                changes += BindingDifference.capture(known, task, report)
            } else {
                let twin = old.graph.captures.first {
                    !after.contains($0.name) && $0.connector == task.connector && $0.config == task.config
                }
                changes.append(Self.added(.capture, task.name, twin?.name, task.bindings.count { !$0.isDisabled }))
            }
        }
        for task in old.graph.captures where !after.contains(task.name) {
            changes.append(
                TaskReport(.capture, task.name).whole(
                    .restart, "is gone",
                    "its tables are followed no longer; its slot stays, and keeps the source's log until it is dropped")
            )
        }
    }

    private static func added(
        _ subject: CatalogChange.Subject, _ name: String, _ twin: String?, _ count: Int
    ) -> CatalogChange {
        let change = twin.map { "is new, with the endpoint of '\($0)', which is gone" } ?? "is new"
        let tables = count == 1 ? "its table is read" : "its \(count) tables are read"
        let again = twin == nil ? "" : " again: what is known of a task hangs on its name"
        return TaskReport(subject, name).whole(.backfill, change, tables + again)
    }

    // MARK: Collections

    private mutating func collections() {
        let before = Dictionary(old.collections.map { ($0.name, $0.collection) }) { first, _ in first }
        let after = Set(new.collections.map(\.name))
        for (name, collection) in new.collections {
            let report = TaskReport(.collection, name)
            guard let known = before[name] else {
                changes.append(report.whole(.none, "is new", "nothing by itself: bindings say what is written to it"))
                continue
            }
            if known.key != collection.key { changes.append(keyChange(report, known.key, collection.key)) }
            if let parts = SchemaDifference.changes(from: known, to: collection) {
                let what = parts.isEmpty ? "" : ": " + parts.joined(separator: ", ")
                changes.append(
                    report.whole(
                        .restart, "has another schema" + what,
                        "rows are checked by it from the next start on; columns' types stay the source's own"))
            }
        }
        for (name, _) in old.collections where !after.contains(name) {
            changes.append(TaskReport(.collection, name).whole(.none, "is gone", "nothing by itself"))
        }
    }

    private func keyChange(_ report: TaskReport, _ before: [String], _ after: [String]) -> CatalogChange {
        let change = "has the key [\(after.joined(separator: ", "))] instead of [\(before.joined(separator: ", "))]"
        let fed = new.graph.materializations.flatMap { task in
            task.bindings.filter { $0.collection == report.name && !$0.deltaUpdates && !$0.isDisabled }
                .map { "\($0.schema).\($0.table) of '\(task.name)'" }
        }
        if fed.isEmpty { return report.whole(.restart, change, "no table mirrors it, so none has to be rebuilt") }
        return report.whole(.destructive, change, "must be rebuilt: " + fed.joined(separator: ", "))
    }

    // MARK: Materializations

    private mutating func materializations() {
        let before = Dictionary(old.graph.materializations.map { ($0.name, $0) }) { first, _ in first }
        let after = Set(new.graph.materializations.map(\.name))
        for task in new.graph.materializations {
            if let known = before[task.name] {
                let report = TaskReport(.materialization, task.name)
                changes += ConfigDifference.materialization(known, task, report)
                changes += BindingDifference.materialization(known, task, report)
            } else {
                let twin = old.graph.materializations.first {
                    !after.contains($0.name) && $0.connector == task.connector && $0.config == task.config
                }
                changes.append(
                    Self.added(.materialization, task.name, twin?.name, task.bindings.count { !$0.isDisabled }))
            }
        }
        for task in old.graph.materializations where !after.contains(task.name) {
            changes.append(
                TaskReport(.materialization, task.name).whole(
                    .restart, "is gone", "its tables stay as they are and are kept up no longer"))
        }
    }
}

/// Makes the changes of one task or collection.
struct TaskReport {
    let subject: CatalogChange.Subject
    let name: String

    /// For what bears the name.
    init(_ subject: CatalogChange.Subject, _ name: String) {
        self.subject = subject
        self.name = name
    }

    /// A change of the whole.
    func whole(_ effect: CatalogChange.Effect, _ change: String, _ meaning: String) -> CatalogChange {
        CatalogChange(effect: effect, subject: subject, name: name, table: nil, change: change, meaning: meaning)
    }

    /// A change of a binding.
    func binding(
        _ table: String, _ effect: CatalogChange.Effect, _ change: String, _ meaning: String
    ) -> CatalogChange {
        CatalogChange(effect: effect, subject: subject, name: name, table: table, change: change, meaning: meaning)
    }
}

import Connectors
import JSON

/// What changes of a binding's selected fields mean.
enum FieldDifference {
    /// Of the columns that a table takes, and their names.
    static func columns(
        _ old: ColumnSelection, _ new: ColumnSelection, _ table: String, _ report: TaskReport
    ) -> [CatalogChange] {
        if old == new { return [] }
        let named = ((old.only ?? []) + (new.only ?? [])).nameSet.union(old.excluded).union(new.excluded)
            .union(old.names.keys).union(new.names.keys).sorted().map(\.text)
        let taken = named.filter { !old.takes($0) && new.takes($0) }
        let dropped = named.filter { old.takes($0) && !new.takes($0) }
        let renamed = named.filter {
            old.takes($0) && new.takes($0) && !old.destinationName(of: $0).isSameName(as: new.destinationName(of: $0))
        }
        var parts: [String] = []
        if !taken.isEmpty { parts.append("takes \(taken.joined(separator: ", "))") }
        if !dropped.isEmpty { parts.append("leaves out \(dropped.joined(separator: ", "))") }
        if !renamed.isEmpty {
            parts.append(
                "renames "
                    + renamed.map { "\(old.destinationName(of: $0)) to \(new.destinationName(of: $0))" }.joined(
                        separator: ", "))
        }
        if (old.only == nil) != (new.only == nil) {
            parts.append(new.only == nil ? "takes every other column" : "takes no column that isn't named")
        }
        if parts.isEmpty { return [] }
        let isMore = !taken.isEmpty || (old.only != nil && new.only == nil)
        let meaning =
            isMore
            ? "the rows that are there lack it: apply stops until 'backfill' is raised and the table read again"
            : parts.count == 1 && !renamed.isEmpty
                ? "the destination's column gets the new name"
                : "rows that change from then on have these columns; a column that is left out stays, for earlier rows"
        return [report.binding(table, isMore ? .backfill : .restart, parts.joined(separator: ", "), meaning)]
    }

    /// What is told of required fields: how their columns are stored, and columns that no source has.
    static func required(
        _ old: MaterializationTask.FieldSelection, _ new: MaterializationTask.FieldSelection, _ table: String,
        _ report: TaskReport
    ) -> [CatalogChange] {
        func isMetadata(_ field: String) -> Bool { field.hasPrefix("_meta/") || field.hasPrefix("flow_") }
        func configs(_ selection: MaterializationTask.FieldSelection) -> [JSONKey: JSONValue] {
            Dictionary(
                selection.require.map { (JSONKey($0.field), $0.config) }, uniquingKeysWith: { first, _ in first })
        }
        let (before, after) = (configs(old), configs(new))
        var changes: [CatalogChange] = []
        for field in Set(before.keys).union(after.keys).sorted() {
            if isMetadata(field.text) {
                guard (before[field] == nil) != (after[field] == nil) else { continue }
                let isNew = before[field] == nil
                changes.append(
                    report.binding(
                        table, .restart, "\(isNew ? "tells" : "tells no longer") \(field.text)",
                        isNew
                            ? "rows that change from then on tell it"
                            : "a column that is left out stays, for earlier rows"))
                continue
            }
            let keys = ["castToString", "DDL"].filter { before[field]?[$0] != after[field]?[$0] }
            if keys.isEmpty { continue }
            changes.append(
                report.binding(
                    table, .destructive, "has another \(keys.joined(separator: " and ")) for \(field.text)",
                    "a column that is there doesn't change its type by this: the table must be rebuilt"
                ))
        }
        return changes
    }
}

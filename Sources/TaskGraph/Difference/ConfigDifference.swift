import JSON

/// What changes of a task's endpoint mean. Names the options that changed, never their values.
enum ConfigDifference {
    /// Between two states of a capture.
    static func capture(_ old: CaptureTask, _ new: CaptureTask, _ report: TaskReport) -> [CatalogChange] {
        var changes = common(old.connector, new.connector, old.isDisabled, new.isDisabled, report)
        let paths = paths(old.config, new.config)
        if old.connector == new.connector {
            let server = paths.filter(isServer)
            if !server.isEmpty {
                changes.append(
                    report.whole(
                        .backfill, "has another \(list(server))",
                        "another server has another log: a new slot, and every table is read again"))
            }
            if paths.contains("advanced/slotName") {
                changes.append(
                    report.whole(
                        .backfill, "has another advanced/slotName",
                        "a new slot knows nothing of before: every table is read again; the old slot stays until it is dropped"
                    ))
            }
        }
        return changes + others(paths.filter { !isServer($0) && $0 != "advanced/slotName" }, report)
    }

    /// Between two states of a materialization.
    static func materialization(
        _ old: MaterializationTask, _ new: MaterializationTask, _ report: TaskReport
    ) -> [CatalogChange] {
        var changes = common(old.connector, new.connector, old.isDisabled, new.isDisabled, report)
        let paths = paths(old.config, new.config)
        if old.connector == new.connector {
            let server = paths.filter(isServer)
            if !server.isEmpty {
                changes.append(
                    report.whole(
                        .backfill, "has another \(list(server))",
                        "its tables are made and filled there; those of the old server stay as they are"))
            }
            let deletes = paths.filter { $0 == "deleteMode" || $0 == "hardDelete" }
            if !deletes.isEmpty {
                changes.append(
                    report.whole(
                        .restart, "has another \(list(deletes))",
                        "rows deleted from then on are treated by it; those deleted before stay as they are"))
            }
        }
        // A changed default schema shows as other tables, a changed mode at each table that it is of.
        let known = ["deleteMode", "hardDelete", "schema", "insertMode"]
        return changes + others(paths.filter { !isServer($0) && !known.contains($0) }, report)
    }

    private static func common(
        _ old: String, _ new: String, _ wasDisabled: Bool, _ isDisabled: Bool, _ report: TaskReport
    ) -> [CatalogChange] {
        var changes: [CatalogChange] = []
        if old != new {
            changes.append(
                report.whole(
                    .backfill, "has the connector \(new) instead of \(old)", "it begins anew: every table is read"))
        }
        if wasDisabled != isDisabled {
            changes.append(
                report.whole(
                    .restart, isDisabled ? "is disabled" : "is enabled",
                    isDisabled
                        ? "it stands still; a slot that it has keeps the source's log"
                        : "it goes on where it stood, and begins anew where it never ran"))
        }
        return changes
    }

    private static func others(_ paths: [String], _ report: TaskReport) -> [CatalogChange] {
        if paths.isEmpty { return [] }
        return [
            report.whole(
                .restart, "has another \(list(paths))", "in force from the next start on; no table is read again")
        ]
    }

    private static func isServer(_ path: String) -> Bool { path == "address" || path == "database" }

    private static func list(_ paths: [String]) -> String { paths.joined(separator: ", ") }

    /// The options whose values differ, two levels deep, in the order of the new config.
    static func paths(_ old: JSONValue, _ new: JSONValue) -> [String] {
        func names(_ one: JSONValue, _ other: JSONValue) -> [String] {
            let first = one.objectValue?.keys ?? []
            return first + (other.objectValue?.keys ?? []).filter { !first.contains($0) }
        }
        return names(new, old).filter { !$0.hasPrefix("x-") && old[$0] != new[$0] }.flatMap { name -> [String] in
            guard name == "advanced" else { return [name] }
            let before = old[name] ?? .null
            let after = new[name] ?? .null
            return names(after, before).filter { before[$0] != after[$0] }.map { "advanced/" + $0 }
        }
    }
}

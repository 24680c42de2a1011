import Connectors
import Postgres

/// What a table must be like that is mirrored without a key: its rows are known by all of their values.
enum KeylessMirror {
    /// Throws where the log's old rows don't have every column, or the binding wants what needs rows that can be told apart.
    static func require(_ binding: LinkBinding, _ source: TableSource, _ shape: TableShape, task: String) throws {
        func refusal(_ message: String, _ hint: String) -> RunError {
            RunError(
                .needsOperator, operation: "follow without a key", object: "table \(source.name)", message: message,
                hint: hint, task: task, binding: binding.index)
        }
        if binding.readsSomeRows {
            throw refusal(
                "only some of its rows are to be read (additional_backfill_filter, min_backfill_xid, notBefore, notAfter), and "
                    + "changes of the others could not be told from those of rows that the destination lacks",
                "take the filter out, give the collection a key, or set delta_updates: true")
        }
        guard shape.hasWholeOldRows, source.replicaIdentity == "f" else {
            throw refusal(
                "its collection has no key among its columns, and the log does not have the whole row that an update or a "
                    + "delete is of: which one it was could not be told", remedy(source))
        }
    }

    /// What has the log show whole rows.
    static func remedy(_ source: TableSource) -> String {
        "ALTER TABLE \(source.name) REPLICA IDENTITY FULL; or give the collection a key, or set delta_updates: true"
    }
}

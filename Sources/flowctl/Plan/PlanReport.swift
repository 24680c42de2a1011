import Connectors
import Runtime

/// What an apply of a catalog would do in each database, and what speaks against it.
struct PlanReport {
    /// One task's database.
    struct Endpoint {
        enum Side: String {
            case source, destination
        }

        var side: Side
        var task: String
        /// `host:port`, the database and the user that the task logs in as.
        var address: String
        var database: String
        var role: String
        var changes: [PlannedChange] = []
        var backfills: [PipelinePlan.Backfill] = []
        /// What the catalog's policies have done, in sentences.
        var remarks: [String] = []
        /// What is worth to know of how it runs.
        var notes: [String] = []
    }

    var endpoints: [Endpoint]
    /// Every prerequisite, as a check finds them.
    var check: CheckReport

    func count(_ effect: PlannedChange.Effect) -> Int {
        endpoints.reduce(0) { $0 + $1.changes.count { $0.effect == effect } }
    }

    var backfills: [PipelinePlan.Backfill] { endpoints.flatMap(\.backfills) }

    /// Whether an apply would leave both databases as they are, but for rows that go on to be copied or followed.
    var isEmpty: Bool {
        endpoints.allSatisfy { endpoint in
            endpoint.changes.isEmpty && endpoint.remarks.isEmpty
                && endpoint.backfills.allSatisfy { $0.reason == .goesOn }
        }
    }

    var isDestructive: Bool { count(.destroy) > 0 }

    /// Whether somebody else than the task's user must make a change, since that one may not.
    func isForAdministrator(_ change: PlannedChange, at endpoint: Endpoint) -> Bool {
        if change.isForOwner { return true }
        // What the role lacks on a table that is there says nothing of statements that take an owner.
        if endpoint.side == .destination, change.effect != .create, change.object.hasPrefix("table ") { return false }
        let kind = endpoint.side == .source ? "capture" : "materialization"
        let object = change.object.hasPrefix("replication slot ") ? "replication" : change.object
        return check.tasks.contains { task in
            task.kind == kind && task.name == endpoint.task
                && task.findings.contains { $0.grade == .unmet && $0.role != nil && $0.object == object }
        }
    }

    /// Rows and bytes to copy, and whether both are known of all tables.
    var amount: (rows: Int64, bytes: Int64, isWhole: Bool) {
        var amount: (rows: Int64, bytes: Int64, isWhole: Bool) = (0, 0, true)
        for backfill in backfills {
            amount.rows += max(0, (backfill.rows ?? 0) - backfill.copied)
            amount.bytes += backfill.bytes ?? 0
            if backfill.rows == nil || backfill.bytes == nil { amount.isWhole = false }
        }
        return amount
    }

    /// With `--detailed-exitcode` changes have a code of their own.
    func status(isDetailed: Bool) -> ExitStatus {
        if check.status != .done { return check.status }
        return isDetailed && !isEmpty ? .changes : .done
    }
}

import Connectors
import Postgres

/// What the links of a session leave in doubt as they begin, each by the record that it keeps with its checkpoint.
struct StorageDoubts: Sendable {
    private var pending: [StorageWatch.Pending] = []
    private var followers: [StorageWatch.Follower] = []

    /// A link begins with the table. Without a record it takes up everything before this moment by its backfill.
    mutating func begin(
        _ table: TableSource, hasRecord: Bool, _ remedy: String, _ task: String, _ binding: LinkBinding
    ) {
        followers.append(
            StorageWatch.Follower(
                table: table.index, from: hasRecord ? .zero : table.found.record.place, remedy: remedy, task: task,
                binding: binding))
    }

    mutating func add(_ doubts: [StorageWatch.Pending]) { pending += doubts }

    /// What a link's record leaves in doubt, and what is certain and the link mends; throws what is certain and it can't. With
    /// `isSwept` rows that went with a partition are looked for anyway.
    static func find(
        _ table: TableSource, _ record: StorageRecord, _ connection: Connection, _ remedy: String, _ task: String,
        _ binding: LinkBinding, isSwept: Bool
    ) throws -> (doubts: [StorageWatch.Pending], gap: LogGap?) {
        let comparison = StorageComparison(
            table: table, old: record, now: table.found, reading: StorageReading(connection: connection), seconds: 0)
        guard let found = try comparison.run() else {
            throw RunError(
                .transient, operation: "look at", object: "table \(table.name)",
                message: "somebody holds a lock on it or on a partition of it")
        }
        let doubts = found.filter { doubt in
            doubt.concerns(binding) && !(isSwept && doubt.isOfGonePart)
                && doubt.version.map { !record.truncates.contains($0) } ?? true
        }
        var pending: [StorageWatch.Pending] = []
        var gap: LogGap?
        for doubt in doubts.sorted(by: { $0.isCertain && !$1.isCertain }) {
            let outcome: StorageWatch.Pending.Outcome
            if doubt.fault.isWarning {
                outcome = .warns([doubt.fault.finding(table, remedy)])
            } else {
                let error = doubt.fault.error(table, remedy, task: task, binding)
                // A mirror without a key can't store what the log has of rows that it lacks: it might never come to the place that
                // decides. To read again without need does no harm.
                if doubt.isCertain || (binding.isKeylessMirror && error.gap != nil) {
                    guard let found = error.gap else { throw error }
                    gap = gap?.and(found) ?? found
                    continue
                }
                // A sweep finds what went with it, whatever the log is still to show.
                if gap?.need == .removals, doubt.isOfGonePart { continue }
                outcome = .stops(error)
            }
            pending.append(
                StorageWatch.Pending(
                    table: table.index, doubt: doubt, until: table.found.record.place, outcome: outcome))
        }
        return (pending, gap)
    }

    /// The watch of a session; `connection` is the session's own for questions. `hear` is told what deserves a look.
    func watch(
        _ tables: [TableSource], _ connection: Connection, hear: @escaping (StatusFinding) -> Void
    ) -> StorageWatch {
        StorageWatch(tables, connection: connection, doubts: pending, followers: followers, hear: hear)
    }
}

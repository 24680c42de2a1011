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
                binding: binding.index, keepsRows: binding.keepsRows))
    }

    mutating func add(_ doubts: [StorageWatch.Pending]) { pending += doubts }

    /// What a link's record leaves in doubt; throws what is certain.
    static func find(
        _ table: TableSource, _ record: StorageRecord, _ connection: Connection, _ remedy: String, _ task: String,
        _ binding: LinkBinding
    ) throws -> [StorageWatch.Pending] {
        let comparison = StorageComparison(
            table: table, old: record, now: table.found, reading: StorageReading(connection: connection), seconds: 0)
        guard let found = try comparison.run() else {
            throw RunError(
                .transient, operation: "look at", object: "table \(table.name)",
                message: "somebody holds a lock on it or on a partition of it")
        }
        let doubts = found.filter { doubt in
            !(binding.keepsRows && doubt.isOfGonePart) && !(binding.mode != .upsert && doubt.isOfKey)
                && doubt.version.map { !record.truncates.contains($0) } ?? true
        }
        return try doubts.sorted { $0.isCertain && !$1.isCertain }.map { doubt in
            if doubt.fault.isWarning {
                return StorageWatch.Pending(
                    table: table.index, doubt: doubt, until: table.found.record.place,
                    outcome: .warns([doubt.fault.finding(table, remedy)]))
            }
            let error = doubt.fault.error(table, remedy, task: task, binding: binding.index)
            if doubt.isCertain { throw error }
            return StorageWatch.Pending(
                table: table.index, doubt: doubt, until: table.found.record.place, outcome: .stops(error))
        }
    }

    /// The watch of a session; `connection` is the session's own for questions. `hear` is told what deserves a look.
    func watch(
        _ tables: [TableSource], _ connection: Connection, hear: @escaping (StatusFinding) -> Void
    ) -> StorageWatch {
        StorageWatch(tables, connection: connection, doubts: pending, followers: followers, hear: hear)
    }
}

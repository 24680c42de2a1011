import Connectors
import Postgres

/// Follows where the captured tables' rows are kept while the log is read, and stops where the log lacks something.
///
/// The catalog is ahead of the log. So what a look finds counts once the log has come to the place of the look: what was in
/// doubt is decided then by what the log has shown until there, and then the links are told of the look, which they keep with
/// their checkpoint. A run that ends before compares with the older one again.
///
/// Which partitions the log has changes of is known from pgoutput's relation messages: before the first change of a
/// partition in a session, and again after each DDL, it describes the table that is published and then the partition.
final class StorageWatch {
    /// A doubt, and what is to be done should it prove right.
    struct Pending: Sendable {
        enum Outcome: Sendable {
            case stops(RunError)
            /// Said once the links can take the look over: a run that ends before says it again, not never.
            case warns([StatusFinding])
        }

        var table: Int
        var doubt: StorageDoubt
        var until: LogPosition
        var outcome: Outcome
    }

    /// A link that takes the table's changes. Before `from`, partitions that nobody knows any more don't concern it.
    struct Follower: Sendable {
        var table: Int
        var from: LogPosition
        var remedy: String
        var task: String
        var binding: LinkBinding
        /// Rows of a partition that goes stay there.
        var keepsRows: Bool { binding.keepsRows }
    }

    /// After this many looks without news the links are told all the same: the older the look that they keep, the fewer rows
    /// are older than it.
    private static let looksBetweenNotes = 12

    private let tables: [TableSource]
    private let reading: StorageReading
    private let followers: [Follower]
    private let hear: (StatusFinding) -> Void
    private var known: [StorageRecord]
    private var pending: [Pending]
    /// Partitions that the log has shown changes of.
    private var touched: Set<UInt32> = []
    /// Tables of which the log doesn't say in which partition a row is: nothing is known to be untouched.
    private var blind: Set<Int> = []
    private var truncates: [(table: Int, transaction: UInt32, position: LogPosition)] = []
    /// Looks that the links don't know of yet.
    private var unsaid: [Int: StorageRecord] = [:]
    /// Partitions with changes that no look has found yet.
    private var strangers: [(follower: Follower, part: UInt32, name: String)] = []
    private var looksSinceNote = 0

    /// What the last relation messages named: the table as it is published, and what came right after it.
    private var announced: (root: UInt32, part: (oid: UInt32, name: String)?)?
    private let partitioned: [UInt32: Int]

    init(
        _ tables: [TableSource], connection: Connection, doubts: [Pending], followers: [Follower],
        hear: @escaping (StatusFinding) -> Void
    ) {
        self.tables = tables
        reading = StorageReading(connection: connection)
        known = tables.map(\.found.record)
        pending = doubts
        self.followers = followers
        self.hear = hear
        // What is decided isn't to be asked, or said, again at the next start.
        for entry in doubts { unsaid[entry.table] = known[entry.table] }
        partitioned = Dictionary(
            tables.filter(\.isPartitioned).map { ($0.oid, $0.index) }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - Looking

    /// Looks at the catalog. Throws what is certain already.
    func look() throws {
        let found = try reading.read(tables)
        let place = try reading.place()
        looksSinceNote += 1
        let isDue = looksSinceNote >= StorageWatch.looksBetweenNotes
        if isDue { looksSinceNote = 0 }
        for table in tables {
            guard var now = found[table.oid], !now.record.parts.isEmpty else { continue }
            now.record.place = place
            if let fault = StorageFault.unlogged(now, of: table) { throw fault.error(table) }
            try compare(table, now, isDue: isDue)
        }
    }

    private func compare(_ table: TableSource, _ now: FoundStorage, isDue: Bool) throws {
        var now = now
        let old = known[table.index]
        let isNews = !old.isSame(as: now.record)
        if isNews {
            let comparison = StorageComparison(table: table, old: old, now: now, reading: reading, seconds: 10)
            guard var doubts = try comparison.run() else { return }
            let mine = followers.filter { $0.table == table.index }
            if !mine.isEmpty { doubts.removeAll { doubt in !mine.contains { doubt.concerns($0.binding) } } }
            let new = now.record.parts.filter { $0.value.file != old.parts[$0.key]?.file }.keys.sorted()
            guard let details = table.isPartitioned ? try reading.details(of: new) : [:] else { return }
            for doubt in doubts {
                let error = doubt.fault.error(table)
                if doubt.isCertain { throw error }
                pending.append(
                    Pending(
                        table: table.index, doubt: doubt, until: now.record.place,
                        outcome: doubt.fault.isWarning ? .warns(findings(doubt.fault, table)) : .stops(error)))
            }
            for oid in new { now.record.parts[oid]?.isEmpty = details[oid]?.isEmpty == true }
        }
        for (oid, part) in old.parts where part.isEmpty && now.record.parts[oid]?.file == part.file {
            now.record.parts[oid]?.isEmpty = true
        }
        for oid in touched { now.record.parts[oid]?.isEmpty = false }
        known[table.index] = now.record
        if isNews || isDue { unsaid[table.index] = now.record }
        for stranger in strangers where stranger.follower.table == table.index && now.record.parts[stranger.part] == nil
        {
            let follower = stranger.follower
            throw StorageFault.left(stranger.name).error(
                table, follower.remedy, task: follower.task, follower.binding)
        }
        strangers.removeAll { $0.follower.table == table.index }
    }

    /// For each way to have the table read again at the links' destinations.
    private func findings(_ fault: StorageFault, _ table: TableSource) -> [StatusFinding] {
        followers.filter { $0.table == table.index }.map { fault.finding(table, $0.remedy) }
    }

    // MARK: - What the log shows

    /// A relation message came.
    func announce(_ relation: RelationMessage) {
        if partitioned[relation.id] != nil {
            announced = (relation.id, nil)
        } else if let root = announced?.root, announced?.part == nil {
            announced = (root, (relation.id, "\(relation.namespace).\(relation.name)"))
        } else {
            announced = nil
        }
    }

    /// Whether the next change has to be shown to `change`.
    var isAnnounced: Bool { announced != nil }

    /// A row changed, after relation messages. `position`: of the transaction's commit record.
    func change(_ relation: UInt32, at position: LogPosition, _ shape: TableShape?, into batch: ChangeBatch) throws {
        defer { announced = nil }
        guard let announced, announced.root == relation, let table = partitioned[relation] else { return }
        guard let part = announced.part else {
            blind.insert(table)
            return
        }
        guard touched.insert(part.oid).inserted else { return }
        if let entry = known[table].parts[part.oid] {
            guard entry.isEmpty else { return }
            known[table].parts[part.oid]?.isEmpty = false
            unsaid[table]?.parts[part.oid]?.isEmpty = false
            say(StorageRecord.note(touched: part.oid), shape, into: batch)
        } else if let follower = followers.first(where: {
            $0.table == table && position >= $0.from && !$0.keepsRows
        }) {
            strangers.append((follower, part.oid, part.name))
            try look()
        }
    }

    /// Whole tables were truncated, or something else happened that was no change of a row.
    func forgetAnnounced() { announced = nil }

    func truncated(
        _ shape: TableShape, by transaction: UInt32, at position: LogPosition, into batch: ChangeBatch
    ) {
        truncates.append((shape.table, transaction, position))
        say(StorageRecord.note(truncatedBy: transaction), shape, into: batch)
    }

    /// Appends a note of a table for the links.
    func say(_ note: String, _ shape: TableShape?, into batch: ChangeBatch) {
        guard let shape else { return }
        var event = ChangeEvent(.note)
        event.shape = batch.index(of: shape)
        event.note = batch.add(note)
        batch.append(event)
    }

    // MARK: - As the log comes to the place of a look

    /// Whether anything waits for a place in the log.
    var isWaiting: Bool { !pending.isEmpty || !unsaid.isEmpty }

    /// Between two transactions, everything before `position` was read. `shape`: of a table.
    func passed(_ position: LogPosition, _ shape: (Int) -> TableShape, into batch: ChangeBatch) throws {
        guard isWaiting else { return }
        var findings: [StatusFinding] = []
        for entry in pending where entry.until <= position && !isDisproved(entry) {
            switch entry.outcome {
            case .stops(let error): throw error
            case .warns(let said): findings += said.filter { !findings.contains($0) }
            }
        }
        for finding in findings { hear(finding) }
        pending.removeAll { $0.until <= position }
        for (table, record) in unsaid.sorted(by: { $0.key < $1.key }) {
            guard record.place <= position, !pending.contains(where: { $0.table == table }),
                !strangers.contains(where: { $0.follower.table == table })
            else { continue }
            truncates.removeAll { $0.table == table && $0.position <= record.place }
            var record = record
            record.truncates = truncates.filter { $0.table == table }.map { String($0.transaction) }
            say(record.text, shape(table), into: batch)
            unsaid[table] = nil
        }
    }

    private func isDisproved(_ entry: Pending) -> Bool {
        let doubt = entry.doubt
        if let version = doubt.version,
            truncates.contains(where: { $0.table == entry.table && String($0.transaction) == version })
        {
            return true
        }
        return doubt.wasEmpty && !touched.contains(doubt.part) && !blind.contains(entry.table)
    }
}

import Connectors
import Glibc

/// Compares one table with its source while both go on changing.
///
/// A slice at a time, both ends count their rows and sum up hashes; where these differ, both list their rows' hashes, and keys
/// that differ there are looked at again until it is certain what they are (`KeySettlement`). So a row counts as equal only
/// where the destination showed the source's own text of it. The slices are ranges of the key where both servers sort it alike,
/// which the destination is asked for each bound; else shares by the key's hash, for which the table is read once a share.
/// Memory holds one slice's keys.
final class TableVerification {
    /// Rows of a range, and of a share.
    private static let rangeRows = 20_000
    private static let shareRows: Int64 = 200_000
    /// Keys that are looked at together.
    private static let lookedAt = 4096
    /// Without a movement of the link for so long, it is taken for stopped; and where nobody reads the log.
    private static let stalledAfter = 12.0
    private static let unreadAfter = 3.0

    /// How it is run.
    struct Limits: Sendable {
        /// Differences that are listed.
        var listed: Int
        /// Seconds that keys are waited for.
        var patience: Double
    }

    private let source: any ComparedSourceRows
    private let destination: any ComparedDestinationRows
    private let plan: ComparisonPlan
    private let remainder: (LogPosition, LogPosition) throws -> LogRemainder
    private let limits: Limits
    private let stop: StopSignal
    private var finding: TableFinding
    /// The link doesn't move: nothing is waited for again.
    private var isStalled: Bool
    /// From the first place to the second the log has nothing for the link.
    private var lacksNothing: (reached: LogPosition, until: LogPosition)?
    /// How far the link was behind what was to be compared, in bytes of the log.
    private var behind: UInt64?

    init(
        _ finding: TableFinding, source: any ComparedSourceRows, destination: any ComparedDestinationRows,
        plan: ComparisonPlan, remainder: @escaping (LogPosition, LogPosition) throws -> LogRemainder, limits: Limits,
        isStalled: Bool, stop: StopSignal
    ) {
        self.finding = finding
        self.source = source
        self.destination = destination
        self.plan = plan
        self.remainder = remainder
        self.limits = limits
        self.isStalled = isStalled
        self.stop = stop
    }

    /// The finding, and whether the link has stopped moving.
    func run(estimatedRows: Int64?) throws -> (finding: TableFinding, isStalled: Bool) {
        let blank = finding
        if try !plan.isOrdered || !compareRanges() {
            finding = blank
            try compareShares(estimatedRows)
        }
        if finding.missing + finding.extra + finding.differing > 0 {
            finding.state = .different
        } else {
            finding.state = finding.undecided > 0 ? .unproven : .equal
        }
        if finding.undecided > 0 { explain() }
        return (finding, isStalled)
    }

    private func explain() {
        let rows = finding.undecided == 1 ? "1 row that differs" : "\(finding.undecided) rows that differ"
        if let behind {
            finding.reason =
                "the destination is \(Quantity.bytes(Int64(clamping: behind))) of the source's log behind, and does not "
                + "move: nothing is proven about \(rows)"
            finding.hint =
                "have it follow (flowctl apply, or apply --once) and verify again; flowctl status says what holds it up"
        } else {
            finding.reason = "nothing is proven about \(rows): they change faster than they can be looked at"
            finding.hint = "verify again, with a larger --timeout or when the source has less to do"
        }
    }

    // MARK: - Slices

    /// False where the destination sorts the bounds in another order than the source.
    private func compareRanges() throws -> Bool {
        var lower: RowKey?
        while true {
            let upper = try source.bound(above: lower, rows: TableVerification.rangeRows)
            if let lower, let upper, try !destination.ascends(from: lower, to: upper) { return false }
            try compare(.keys(above: lower, upTo: upper))
            guard let upper else { return true }
            lower = upper
        }
    }

    private func compareShares(_ estimatedRows: Int64?) throws {
        var count = 1
        while Int64(count) * TableVerification.shareRows < estimatedRows ?? 0, count < 1 << 20 { count *= 2 }
        for part in 0..<count { try compare(.share(part: part, count: count)) }
    }

    private func compare(_ slice: TableSlice) throws {
        try goOn()
        let (here, there) = try both { try $0.digest(of: slice) }
        finding.rows += here.rows
        guard here != there else { return }
        let (rows, others) = try both { try $0.rows(of: slice) }
        try settle(TableVerification.differing(rows, others))
    }

    /// Keys that are not the same in both lists.
    static func differing(_ rows: [RowDigest], _ others: [RowDigest]) -> [RowKey] {
        var hashes: [RowKey: Int64] = [:]
        hashes.reserveCapacity(rows.count)
        for row in rows { hashes[row.key] = row.hash }
        var keys: [RowKey] = []
        for other in others where hashes.removeValue(forKey: other.key) != other.hash { keys.append(other.key) }
        return keys + hashes.keys
    }

    /// What both ends say, each asked on a thread of its own.
    private func both<Answer: Sendable>(
        _ ask: @escaping @Sendable (any ComparedRows) throws -> Answer
    ) throws -> (Answer, Answer) {
        let ends: [any ComparedRows] = [source, destination]
        let answers = ThreadGroup.map(ends) { end in Result { try ask(end) } }
        guard answers.count == 2 else {
            throw RunError(
                .transient, operation: "compare", object: finding.source, message: "no thread could be started")
        }
        return (try answers[0].get(), try answers[1].get())
    }

    // MARK: - Keys

    private func settle(_ keys: [RowKey]) throws {
        var start = 0
        while start < keys.count {
            let end = min(keys.count, start + TableVerification.lookedAt)
            try settle(part: Array(keys[start..<end]))
            start = end
        }
    }

    private func settle(part keys: [RowKey]) throws {
        var settlement = KeySettlement(count: keys.count)
        let began = TableVerification.now()
        var moved = began
        var stalledAfter = TableVerification.stalledAfter
        var pause = 1
        var round = 0
        while true {
            try goOn()
            let open = settlement.open
            let asked = open.map { keys[$0] }
            let before = settlement.reached
            settlement.look(atSource: try source.look(at: asked), of: open)
            settlement.look(atDestination: try lookThere(asked), of: open)
            if settlement.open.isEmpty { break }
            let time = TableVerification.now()
            if settlement.reached != before { moved = time }
            let isBehind = settlement.reached < settlement.target
            // What is there already is decided in two rounds.
            round += 1
            guard round > 2 else { continue }
            if time - began > limits.patience { break }
            // A link that is there is asked again at once: hot rows are met only so.
            guard isBehind else { continue }
            switch try remainder(settlement.reached, settlement.target) {
            case .nothing:
                lacksNothing = (settlement.reached, settlement.target)
                continue
            case .changes: stalledAfter = TableVerification.unreadAfter
            case .unknown: stalledAfter = TableVerification.stalledAfter
            }
            if isStalled || time - moved > stalledAfter || stop.wait(milliseconds: pause) { break }
            pause = min(pause * 2, 200)
        }
        try goOn()
        if !settlement.open.isEmpty, settlement.reached < settlement.target {
            isStalled = true
            behind = settlement.target.bytes(since: settlement.reached)
        }
        try note(settlement.verdicts, of: keys)
    }

    /// A link that lacks nothing up to a place is as good as there.
    private func lookThere(_ keys: [RowKey]) throws -> Sighting {
        var sighting = try destination.look(at: keys)
        if let lacksNothing, sighting.position >= lacksNothing.reached {
            sighting.position = max(sighting.position, lacksNothing.until)
        }
        return sighting
    }

    private func note(_ verdicts: [KeySettlement.Verdict?], of keys: [RowKey]) throws {
        var listed: [TableFinding.Difference] = []
        var room = limits.listed - finding.differences.count
        for (key, verdict) in zip(keys, verdicts) {
            let kind: TableFinding.Difference.Kind
            switch verdict {
            case .equal: continue
            case nil:
                finding.undecided += 1
                continue
            case .missing:
                kind = .missing
                finding.missing += 1
            case .extra:
                kind = .extra
                finding.extra += 1
            case .differs:
                kind = .differs
                finding.differing += 1
            }
            guard room > 0 else { continue }
            room -= 1
            listed.append(TableFinding.Difference(kind: kind, key: key, columns: []))
        }
        finding.differences += try withColumns(listed)
    }

    private func withColumns(_ listed: [TableFinding.Difference]) throws -> [TableFinding.Difference] {
        let places = listed.indices.filter { listed[$0].kind == .differs }
        guard !places.isEmpty else { return listed }
        var listed = listed
        let keys = places.map { listed[$0].key }
        let (here, there) = try both { try $0.columns(of: keys) }
        for (number, place) in places.enumerated() {
            guard let own = here[number], let other = there[number] else { continue }
            listed[place].columns = plan.columns.indices.filter { own[$0] != other[$0] }.map { plan.columns[$0].source }
        }
        return listed
    }

    // MARK: -

    private func goOn() throws {
        guard stop.isRequested else { return }
        throw RunError(.transient, operation: "compare", object: finding.source, message: "stopped before the end")
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

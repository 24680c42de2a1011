import Connectors

/// Decides, of keys that once looked different at both ends, which really are, from what each end showed one look after another.
///
/// Both ends go on changing, and the destination follows the source at a distance. Looks at the source and at the destination
/// alternate. Invariants:
/// - A key is equal where the destination shows what the source has, or had until a place that the destination's link has not
///   passed.
/// - A row that the source has is missing, or differs, where the source had that very version from before a place that the
///   link had passed as the destination was looked at, until after that look.
/// - A row that the source lacks is extra where it was at the destination before a look at the source found none, and stays
///   the same version there after the link has passed that look's place: it would have been taken away meanwhile.
/// - A look at the source shows what the destination showed before only once every transaction has ended that may have been
///   committing: until then the row at the destination may be one that the source is about to show.
/// - Everything else is undecided, however often it was looked at.
struct KeySettlement {
    enum Verdict: Equatable, Sendable {
        case equal, missing, extra, differs
    }

    private struct Past {
        var hash: Int64?
        /// A link that has passed this place shows it no more.
        var until: LogPosition
    }

    private struct Key {
        var source: RowSight?
        /// Behind the look that showed `source` first.
        var since = LogPosition.zero
        var past: [Past] = []
        var destination: RowSight?
        /// The destination showed something else although its link had passed `since`.
        var isSuspect = false
        /// The destination's row, as it is, is gone from a link that has passed this place.
        var due: LogPosition?
        /// Of the transactions that may have brought the destination's row, those that may not have ended; nil where the
        /// source was not looked at since.
        var committing: Set<String>?

        /// Whether a look at the source shows all that the destination's row, as it is, can come from.
        mutating func isShown(by sighting: Sighting) -> Bool {
            let left = committing?.intersection(sighting.committing) ?? sighting.committing
            committing = left
            return left.isEmpty
        }
    }

    /// Versions of a row that are remembered: those that a link may still be about to show.
    private static let mostPast = 512

    private var keys: [Key]
    private var isFirst = true
    private(set) var verdicts: [Verdict?]
    /// Behind the first look at the source.
    private(set) var target = LogPosition.zero
    /// The link's position as the destination was last looked at.
    private(set) var reached = LogPosition.zero

    init(count: Int) {
        keys = Array(repeating: Key(), count: count)
        verdicts = Array(repeating: nil, count: count)
    }

    /// Places of the keys without a verdict.
    var open: [Int] { verdicts.indices.filter { verdicts[$0] == nil } }

    /// Takes in a look at the source; `places` are the keys' that were looked at, parallel to its rows.
    mutating func look(atSource sighting: Sighting, of places: [Int]) {
        if isFirst { target = sighting.position }
        for (place, row) in zip(places, sighting.rows) {
            if isFirst {
                keys[place].source = row
                keys[place].since = sighting.position
            } else if keys[place].source?.version == row?.version {
                if row != nil, keys[place].isSuspect, keys[place].isShown(by: sighting) {
                    verdicts[place] = keys[place].destination == nil ? .missing : .differs
                }
            } else {
                keys[place].past.append(Past(hash: keys[place].source?.hash, until: sighting.position))
                if keys[place].past.count > KeySettlement.mostPast { keys[place].past.removeFirst() }
                keys[place].source = row
                keys[place].since = sighting.position
                keys[place].isSuspect = false
                keys[place].due = nil
                keys[place].committing = nil
            }
            if row == nil, keys[place].destination != nil, keys[place].due == nil, keys[place].isShown(by: sighting) {
                keys[place].due = sighting.position
            }
        }
        isFirst = false
    }

    /// Takes in a look at the destination, after one at the source.
    mutating func look(atDestination sighting: Sighting, of places: [Int]) {
        reached = sighting.position
        for (place, row) in zip(places, sighting.rows) {
            if keys[place].destination?.version != row?.version {
                keys[place].due = nil
                keys[place].committing = nil
            }
            keys[place].destination = row
            let key = keys[place]
            if row?.hash == key.source?.hash
                || key.past.contains(where: { $0.hash == row?.hash && sighting.position < $0.until })
            {
                verdicts[place] = .equal
            } else if key.source != nil {
                keys[place].isSuspect = sighting.position >= key.since
            } else if let due = key.due, sighting.position >= due {
                verdicts[place] = .extra
            }
        }
    }
}

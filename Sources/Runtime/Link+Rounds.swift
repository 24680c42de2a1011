import Connectors
import Glibc

/// Uncertain rows keep a commit from coming until the log has proven them. Under traffic that never pauses there can always be
/// a younger one, so that a link which waited for a moment without any would commit nothing, for ever. It goes in rounds instead.
///
/// Invariant: when the log has come to `horizon`, every row that was uncertain at `base` has been proven, or has been changed after
/// `base`; only what changes after `base` did can still be uncertain. A horizon is the source's position at the last look of then,
/// so a round lasts as long as the log needs to get there: as long as the link is behind.
struct ProofRound {
    /// Tried for so long to see a moment without uncertain rows, unless a chunk waits; in microseconds.
    static let patience: Int64 = 1_000_000

    /// The link's position as it began, between two transactions.
    var base: LogPosition
    var horizon: LogPosition
    /// By a clock that never goes back, in microseconds.
    var began: Int64

    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

/// Committing while rows are uncertain.
///
/// Invariants:
/// - Nothing is committed with uncertain rows before a round is over, so mostly nobody ever sees one.
/// - Such a commit has in the states of their bindings until when rows are in doubt: a run that begins there reads anew what an
///   update of any of their rows leaves out, and so ends where this one would. Whoever looks meanwhile may see a row as the source
///   has it a little later, may miss one that the source has no more under this key, or see another's values in one.
/// - A link is caught up only with what lies before the round (`whole`).
extension Link {
    private var isPastHorizon: Bool { round.map { $0.horizon <= position } ?? false }

    /// Whether a commit may have uncertain rows in it.
    var isRoundOver: Bool {
        guard let round, round.horizon <= position else { return false }
        return nextDue != nil || ProofRound.now - round.began >= ProofRound.patience
    }

    /// Whether nothing keeps a chunk from being finished between two transactions: what is uncertain keeps it only while it isn't
    /// committed, since what a chunk reads is known by its own snapshot.
    var maySettle: Bool {
        !hasGaps || isRoundOver || (position == committed && buffer.isEmpty && !transactor.isOpen)
    }

    /// Between two transactions, after changes were taken in. Begins a round where there is none, and anew where the link has come to
    /// its target and the round began before that: its end would not say that the target is reached.
    func lookAtRound() {
        guard hasGaps else { return round = nil }
        guard let open = round else { return round = nextRound }
        guard let target, !status.isCaughtUp, open.base < target, position >= target else { return }
        round = nextRound
    }

    /// Has the states of bindings with uncertain rows say so; the position up to which everything is proven once that is committed.
    func keepDoubts() throws -> LogPosition {
        guard hasGaps else {
            round = nil
            return position
        }
        let base = isPastHorizon ? round?.base ?? whole : whole
        // What was found must survive a crash of the source: the log has not shown it yet.
        try backfills.flushLog()
        for (binding, until) in uncertain.doubts {
            backfills.doubt(binding, until: until)
            changedStates.insert(binding)
        }
        round = nextRound
        return base
    }

    /// Nothing happens at the source: what proves the last rows may be in no log that it shows.
    func hurryProofs() throws {
        if hasGaps, transaction == nil, position < uncertain.until { try backfills.flushLog() }
    }

    private var nextRound: ProofRound {
        ProofRound(base: position, horizon: uncertain.until, began: ProofRound.now)
    }
}

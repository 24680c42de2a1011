import Connectors

/// How a catalog's tasks stand, as `flowctl status` shows it.
struct StatusReport {
    /// In the contract's words.
    enum State: String, Comparable {
        case failed, pending, backfilling, paused, streaming, disabled

        /// What needs a look first.
        static func < (left: State, right: State) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .failed: 0
            case .pending: 1
            case .backfilling: 2
            case .paused: 3
            case .streaming: 4
            case .disabled: 5
            }
        }
    }

    struct Task {
        enum Kind: String {
            case capture, materialization
        }

        var name: String
        var kind: Kind
        var state = State.pending
        /// Nil where nothing was committed, or where positions of several logs can't be one.
        var position: LogPosition?
        var lag: Lag?
        /// Of a capture whose source answered.
        var slot: SlotStatus?
        var bindings: [Binding] = []
        /// Of a materialization: what operators have asked its captures for.
        var signals: [SignalRecord] = []
        /// What is wrong with the whole task, and what deserves a look.
        var findings: [StatusFinding] = []
    }

    struct Binding {
        /// Schema and table: the source's for a capture, the destination's for a materialization.
        var resource: String
        var collection: String
        var state = State.pending
        /// Nil where no row was to be copied yet.
        var backfill: Backfill?
        var error: String?
        /// What the table is being mended for that the log lacks.
        var gap: LogGap?
        /// What waits beside the table since a row of it was refused.
        var park: ParkedTable?
    }

    /// What a backfill has copied.
    struct Backfill: Equatable {
        var rows: Int64
        var estimatedRows: Int64?
        var bytes: Int64
    }

    /// How far a destination is behind its source.
    struct Lag: Equatable {
        /// Of the source's log, whatever they hold.
        var bytes: Int64
        /// At most so old is what the destination shows; nil where unknown.
        var seconds: Int64?

        /// How long the log takes to grow by some bytes, as fast as it has since the checkpoint; nil where that was too
        /// short a time to say.
        func seconds(toGrowBy growth: Int64) -> Int64? {
            guard let seconds, seconds >= 10, bytes > 0 else { return nil }
            return Int64(min(Double(growth) / Double(bytes) * Double(seconds), 1e15))
        }
    }

    /// An endpoint that could not be asked.
    struct Failure {
        var task: String
        var error: RunError
    }

    var tasks: [Task]
    var failures: [Failure]
}

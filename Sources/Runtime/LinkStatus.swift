import Connectors
import Synchronization

/// What a link's thread tells the capture's; positions without a lock.
final class LinkStatus: Sendable {
    private let durablePosition = Atomic<UInt64>(0)
    private let awaitedPosition = Atomic<UInt64>(0)
    private let caughtUpFlag = Atomic<Bool>(false)
    private let unansweredStates = Mutex<[Int: BindingCheckpoint]>([:])

    /// Everything before it is committed and durable at the destination.
    var durable: LogPosition {
        get { LogPosition(durablePosition.load(ordering: .acquiring)) }
        set { durablePosition.store(newValue.rawValue, ordering: .releasing) }
    }

    /// The link waits for the log to pass this position.
    var awaited: LogPosition {
        get { LogPosition(awaitedPosition.load(ordering: .acquiring)) }
        set { awaitedPosition.store(newValue.rawValue, ordering: .releasing) }
    }

    /// What was to be recorded with the commit of a backfill's last chunk, while that is not answered; by the binding's index
    /// in the materialization's list. Where the connection is lost then, the next session finds out.
    var unanswered: [Int: BindingCheckpoint] {
        get { unansweredStates.withLock { $0 } }
        set { unansweredStates.withLock { $0 = newValue } }
    }

    /// Everything that was committed at the source when the backfills ended is at the destination.
    var isCaughtUp: Bool {
        get { caughtUpFlag.load(ordering: .acquiring) }
        set { caughtUpFlag.store(newValue, ordering: .releasing) }
    }
}

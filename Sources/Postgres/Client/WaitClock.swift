import Glibc
import Synchronization

/// Since when a connection has been waiting for its server, for threads other than its own.
public final class WaitClock: Sendable {
    private let began = Atomic<Int64>(0)

    /// Milliseconds of the clock that nobody sets, at which the wait that goes on began; nil where nothing is waited for.
    public var waitingSince: Int64? {
        let began = began.load(ordering: .relaxed)
        return began == 0 ? nil : began
    }

    /// Now, by the same clock.
    public static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    func start() {
        began.store(max(1, WaitClock.now), ordering: .relaxed)
    }

    func end() {
        began.store(0, ordering: .relaxed)
    }
}

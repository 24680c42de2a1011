import Glibc
import Synchronization

/// A request to stop that any thread can make and every wait can see: a flag with a file descriptor that becomes readable.
public final class StopSignal: Sendable {
    private let requested = Atomic<Bool>(false)
    private let followers = Mutex<[StopSignal]>([])
    /// Readable from the request on: put it in a `poll`. -1 where the system had none to give.
    public let descriptor: Int32
    private let writeEnd: Int32

    public init() {
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutablePointer(to: &ends) { pointer in
            pointer.withMemoryRebound(to: Int32.self, capacity: 2) { pipe($0) }
        }
        (descriptor, writeEnd) = made == 0 ? ends : (-1, -1)
        if made == 0 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(writeEnd, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            close(writeEnd)
        }
    }

    public var isRequested: Bool { requested.load(ordering: .acquiring) }

    /// Safe to call more than once, from any thread.
    public func request() {
        guard !requested.exchange(true, ordering: .acquiringAndReleasing), writeEnd >= 0 else { return }
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
        for follower in followers.withLock({ $0 }) { follower.request() }
    }

    /// Waits for the request, `milliseconds` at most; whether it was made.
    public func wait(milliseconds: Int) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, descriptor < 0 ? 0 : 1, Int32(clamping: milliseconds))
        return isRequested
    }

    /// A signal that is requested with this one, and can be requested alone.
    public func follower() -> StopSignal {
        let signal = StopSignal()
        followers.withLock { $0.append(signal) }
        if isRequested { signal.request() }
        return signal
    }

    /// Lets go of a follower that is no longer waited for.
    public func release(_ follower: StopSignal) {
        followers.withLock { $0.removeAll { $0 === follower } }
    }
}

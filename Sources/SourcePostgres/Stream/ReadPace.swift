import Glibc

/// Lets a busy stream collect in the socket before it is read.
///
/// A walsender sends every change by itself, and a send to a peer that is waiting for it costs it several times what a send
/// into a filling queue does. While much comes, a pause between reads makes each of them large and the server's work
/// cheaper (measured: 7 instead of 10 CPU seconds at the source for a million inserts). A stream of single changes is never
/// paused.
struct ReadPace {
    /// Bytes that come while a pause lasts, above which it is worth while: 10 MB a second.
    private static let busyBytes: Int64 = 100_000
    /// A pause, and the time over which the stream's speed is looked at, in nanoseconds.
    private static let window: Int64 = 10_000_000
    /// After a pause in which less came: the socket holds no more (Unix sockets hold little), so that pauses would set the
    /// speed. None is made for this time, in nanoseconds.
    private static let abstinence: Int64 = 1_000_000_000
    /// A read of this many bytes had more waiting behind it: the next follows at once.
    private static let largeRead = 60_000

    private var windowBytes: Int64 = 0
    private var since: Int64 = 0
    private var isBusy = false
    private var lastRead = 0
    private var wasPaused = false
    private var noPauseBefore: Int64 = 0

    mutating func received(_ count: Int) {
        windowBytes += Int64(count)
        lastRead += count
    }

    /// To be called before a read.
    mutating func waitIfBusy() {
        let now = ReadPace.now()
        if now - since >= ReadPace.window {
            isBusy = windowBytes * ReadPace.window > ReadPace.busyBytes * (now - since)
            since = now
            windowBytes = 0
        }
        if wasPaused, lastRead < ReadPace.busyBytes { noPauseBefore = now + ReadPace.abstinence }
        wasPaused = isBusy && lastRead < ReadPace.largeRead && now >= noPauseBefore
        lastRead = 0
        guard wasPaused else { return }
        var time = timespec(tv_sec: 0, tv_nsec: Int(ReadPace.window))
        nanosleep(&time, nil)
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

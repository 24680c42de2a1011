import Connectors
import Glibc
import Postgres
import Runtime
import UnixSignals

/// What SIGINT, SIGTERM and SIGHUP do to a command: the first asks it to stop, the second ends the process at once. A
/// process that was started to ignore SIGHUP (`nohup`) goes on ignoring it.
enum Interruption {
    /// Runs a blocking body on a thread of its own, so that the cooperative pool stays free, and hands it the signal to
    /// stop at. `onRequest` hears of the first signal.
    static func run<Success: Sendable>(
        onRequest: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable (StopSignal) throws -> Success
    ) async throws -> Success {
        let stop = StopSignal()
        let ended = StopSignal()
        let trapped: [UnixSignal] = isHangupIgnored ? [.sigint, .sigterm] : [.sigint, .sigterm, .sighup]
        let signals = await UnixSignalsSequence(trapping: trapped)
        let listener = Task {
            for await signal in signals {
                // A terminal that closes can say so more than once: the kernel to the foreground, the shell to its jobs.
                if stop.isRequested, signal == .sighup { continue }
                // 128 and the signal's number, as a shell says it.
                if stop.isRequested { _exit(signal == .sigint ? 130 : 143) }
                stop.request()
                onRequest()
                giveUpStatements(until: ended)
            }
        }
        defer {
            listener.cancel()
            ended.request()
        }
        let threads = ThreadGroup(onFailure: { _ in })
        return try await withCheckedThrowingContinuation { continuation in
            threads.spawn("command") { continuation.resume(with: Result { try body(stop) }) }
        }
    }

    /// What still runs some seconds after the request waits for somebody else's lock, or works on what can be done again:
    /// nothing is lost where it is given up.
    private static func giveUpStatements(until ended: StopSignal) {
        ThreadGroup(onFailure: { _ in }).spawn("give up") {
            guard !ended.wait(milliseconds: 5000) else { return }
            repeat { OpenConnections.giveUp() } while !ended.wait(milliseconds: 1000)
        }
    }

    private static var isHangupIgnored: Bool {
        var action = sigaction()
        guard sigaction(SIGHUP, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}

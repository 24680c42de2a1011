import Connectors
import Glibc
import Runtime
import UnixSignals

/// What SIGINT and SIGTERM do to a command: the first asks it to stop, the second ends the process at once.
enum Interruption {
    /// Runs a blocking body on a thread of its own, so that the cooperative pool stays free, and hands it the signal to
    /// stop at. `onRequest` hears of the first signal.
    static func run<Success: Sendable>(
        onRequest: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable (StopSignal) throws -> Success
    ) async throws -> Success {
        let stop = StopSignal()
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let listener = Task {
            for await signal in signals {
                // 128 and the signal's number, as a shell says it.
                if stop.isRequested { _exit(signal == .sigint ? 130 : 143) }
                stop.request()
                onRequest()
            }
        }
        defer { listener.cancel() }
        let threads = ThreadGroup(onFailure: { _ in })
        return try await withCheckedThrowingContinuation { continuation in
            threads.spawn("command") { continuation.resume(with: Result { try body(stop) }) }
        }
    }
}

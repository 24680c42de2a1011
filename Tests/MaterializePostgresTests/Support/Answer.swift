import Dispatch
import Foundation
import Synchronization

/// What a thread of its own finds out. Blocking calls have no place on the pool that runs the tests: it has few threads,
/// and a test that waits for another one's would wait for ever.
final class Answer<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let isDone = DispatchSemaphore(value: 0)

    func start(_ body: @escaping @Sendable () throws -> Value) {
        Thread.detachNewThread { [self] in
            let found = Result { try body() }
            result.withLock { $0 = found }
            isDone.signal()
        }
    }

    /// The value, once it is there.
    func wait() throws -> Value {
        isDone.wait()
        guard let found = result.withLock({ $0 }) else { throw CancellationError() }
        return try found.get()
    }
}

import Connectors
import Glibc

/// Threads that end together: each runs one blocking loop, the first error stops the others, and nobody leaves before all
/// have ended. libpq blocks, so each connection lives on such a thread and the cooperative pool never waits for it.
public final class ThreadGroup {
    private struct Outcome {
        var running = 0
        var firstError: (any Error)?
    }

    private let outcome = Monitor(Outcome())
    private let onFailure: @Sendable (any Error) -> Void

    /// `onFailure` is called with the first error, on the thread that threw it: to ask the others to stop.
    public init(onFailure: @escaping @Sendable (any Error) -> Void) {
        self.onFailure = onFailure
    }

    /// Starts a thread; `name` is for its error messages.
    public func spawn(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
        outcome.update { $0.running += 1 }
        let start = ThreadStart { [outcome, onFailure] in
            do {
                try body()
            } catch {
                let isFirst = outcome.update { state in
                    defer { if state.firstError == nil { state.firstError = error } }
                    return state.firstError == nil
                }
                if isFirst { onFailure(error) }
            }
            outcome.update { $0.running -= 1 }
        }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(start)
        let made = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
                start.body()
                return nil
            }, argument.toOpaque())
        guard made == 0 else {
            argument.release()
            let error = RunError(
                .transient, operation: "start thread", object: name, message: String(cString: strerror(made)))
            outcome.update {
                $0.running -= 1
                if $0.firstError == nil { $0.firstError = error }
            }
            onFailure(error)
            return
        }
        pthread_detach(thread)
    }

    /// Runs `body` for every element, each on a thread of its own; the results in the elements' order.
    public static func map<Element: Sendable, Result>(
        _ elements: [Element], _ body: @escaping (Element) -> Result
    ) -> [Result] {
        let results = Monitor([Result?](repeating: nil, count: elements.count))
        let group = ThreadGroup(onFailure: { _ in })
        let work = UncheckedBody(body: body)
        for (index, element) in elements.enumerated() {
            group.spawn("task") {
                let result = work.body(element)
                results.update { $0[index] = result }
            }
        }
        try? group.join()
        return results.read { $0.compactMap { $0 } }
    }

    /// Waits until every thread has ended; throws the first error.
    public func join() throws {
        let error: (any Error)?? = outcome.wait { state in state.running == 0 ? .some(state.firstError) : nil }
        if let error = error ?? nil { throw error }
    }
}

private final class ThreadStart: Sendable {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}

/// A closure that several threads call.
// @unchecked: `ThreadGroup.map`'s caller waits for all of them, and its closure captures only what threads may share.
private struct UncheckedBody<Element, Result>: @unchecked Sendable {
    let body: (Element) -> Result
}

/// Carries something to the thread that will own it.
// @unchecked: the thread that made it does not touch it until that thread has ended.
struct HandOver<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}

import Connectors

/// How long to wait before a transient failure is tried again: doubling from a quarter of a second to half a minute, with
/// jitter so that many runners don't come back at once. For ever, unless a number of attempts is given.
struct RetryPolicy {
    static let firstDelay = 250
    static let longestDelay = 30_000

    /// Attempts that have failed in a row.
    private(set) var attempts = 0
    let mostAttempts: Int?

    init(mostAttempts: Int? = nil) {
        self.mostAttempts = mostAttempts
    }

    /// Milliseconds to wait before the next attempt; nil where it is time to give up.
    mutating func next(random: (ClosedRange<Int>) -> Int = { Int.random(in: $0) }) -> Int? {
        attempts += 1
        if let mostAttempts, attempts >= mostAttempts { return nil }
        let doubled = RetryPolicy.firstDelay << min(attempts - 1, 16)
        let delay = min(doubled, RetryPolicy.longestDelay)
        return random(delay / 2...delay)
    }

    mutating func reset() {
        attempts = 0
    }
}

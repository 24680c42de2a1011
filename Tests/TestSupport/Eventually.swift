import Foundation

/// Asks until the answer is yes, or the time is over; the last answer.
public func eventually(seconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .seconds(seconds) {
        if try condition() { return true }
        usleep(20_000)
    }
    return try condition()
}

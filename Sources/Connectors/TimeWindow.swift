/// The part of a table's history that a binding takes: `notBefore` and `notAfter` of its source, both inclusive, in
/// microseconds since 2000-01-01 UTC by the source's clock.
public struct TimeWindow: Sendable, Equatable {
    /// The first moment that counts; nil for no bound.
    public var notBefore: Int64?
    /// The last moment that counts; nil for no bound.
    public var notAfter: Int64?

    public init(notBefore: Int64?, notAfter: Int64?) {
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// Where a link is in a window, at one place of the log.
    public enum Phase: String, Sendable {
        /// Before it: nothing of the log is written yet.
        case waiting
        case open
        /// Behind it: nothing is written any more.
        case over
    }

    /// Where a moment is.
    public func phase(at time: Int64) -> Phase {
        if let notAfter, time > notAfter { return .over }
        if let notBefore, time < notBefore { return .waiting }
        return .open
    }
}

/// What a destination's table lacks because the log doesn't show it, and reading from the source again mends. Nobody has to ask
/// for that: a link does it by itself.
///
/// Invariant: the destination's record of where the source's rows were is only moved past a gap in a transaction that also says
/// that the table is read again because of it. So a gap that was found and not written down is found again.
public struct LogGap: Sendable, Equatable {
    /// What has to be done.
    public enum Need: Sendable {
        /// All rows are read, over those that are there; then those that the source no longer has are removed.
        case rows
        /// Rows that the source no longer has are removed.
        case removals
    }

    public var need: Need
    /// What was found: `its partition public.p was …`.
    public var reason: String
    /// Whether the work begins now; else an earlier start has begun it.
    public var isNew = true

    public init(_ need: Need, _ reason: String) {
        self.need = need
        self.reason = reason
    }

    /// Both: the greater need, for both reasons.
    public func and(_ other: LogGap?) -> LogGap {
        guard let other else { return self }
        var both = self
        if other.need == .rows { both.need = .rows }
        if !reason.contains(other.reason) { both.reason += "; " + other.reason }
        return both
    }

    /// What is done about it, and why.
    public var remark: String {
        switch need {
        case .rows: "it is read again, since \(reason)"
        case .removals: "rows that the source no longer has are looked for and removed, since \(reason)"
        }
    }
}

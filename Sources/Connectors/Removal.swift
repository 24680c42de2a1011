/// What taking a task's things away would do at one endpoint: found out first, shown, and then done as it was shown.
public struct Removal: Sendable {
    /// In the order in which they are made.
    public var changes: [PlannedChange] = []
    /// What stays, and why; a sentence each.
    public var kept: [String] = []

    public init() {}
}

import Connectors

/// What the comparison of one table with its source came to.
public struct TableFinding: Sendable {
    public enum State: String, Sendable {
        /// Every row of the source, and no other, is at the destination.
        case equal
        case different
        /// Some rows could not be compared, and none differs.
        case unproven
        /// Not compared at all, by the nature of the table.
        case notVerified = "not_verified"
    }

    /// A key that is not the same at both ends.
    public struct Difference: Sendable {
        public enum Kind: String, Sendable {
            case missing, extra, differs
        }

        public var kind: Kind
        /// Values by key column, in the destination's text.
        public var key: RowKey
        /// The source's names of the columns that differ; empty for the other kinds, and where the row has changed since.
        public var columns: [String]
    }

    public var link: LinkSpec
    public var binding: LinkBinding
    /// Schema and table at the source.
    public var source: String
    public var state: State
    /// Why it was not proven, or not compared, and what to do.
    public var reason: String?
    public var hint: String?
    /// Rows at the source.
    public var rows: Int64 = 0
    public var missing = 0
    public var extra = 0
    public var differing = 0
    /// Rows that could not be compared.
    public var undecided = 0
    /// The first of the differences.
    public var differences: [Difference] = []
    /// Behind everything at the source that was compared for certain: rows may be as they were later.
    public var position: LogPosition?

    public init(link: LinkSpec, binding: LinkBinding, source: String, state: State) {
        self.link = link
        self.binding = binding
        self.source = source
        self.state = state
    }
}

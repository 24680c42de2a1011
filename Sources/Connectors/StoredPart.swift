/// What a link has taken from the log for one binding, to be stored: whole source transactions, and only changes of rows.
public struct StoredPart {
    public enum Changes {
        /// Of an upsert table: what each key's changes come to.
        case net(ContiguousArray<NetChange>)
        /// Of an append-only table: the changes themselves, in order.
        case logged(ContiguousArray<LoggedChange>)
    }

    public var binding: Int
    /// What the rows look like.
    public var shape: TableShape
    public var changes: Changes

    public init(binding: Int, shape: TableShape, changes: Changes) {
        self.binding = binding
        self.shape = shape
        self.changes = changes
    }
}

/// What is done about a row that a destination can't take (`RunError.rowFault`).
public enum RowErrorPolicy: String, Sendable {
    /// The link stops and says why.
    case halt
    /// The row's table is parked: its changes wait beside it, in order, and the link's other tables go on.
    case quarantine
}

/// What refused a row at a destination.
public struct RowFault: Sendable, Equatable {
    /// The table that the server named, and its constraint; nil where it named none.
    public var schema: String?
    public var table: String?
    public var constraint: String?
    /// The column that lacks a value and is NOT NULL; nil where it is something else.
    public var nullColumn: String?

    public init(schema: String? = nil, table: String? = nil, constraint: String? = nil, nullColumn: String? = nil) {
        self.nullColumn = nullColumn
        self.schema = schema
        self.table = table
        self.constraint = constraint
    }
}

/// A table whose changes wait beside it since the destination could not take one of its rows.
public struct ParkedTable: Sendable, Equatable {
    /// RFC 3339, by the destination's clock.
    public var since: String
    /// Why the row was refused; the last attempt's reason where there was one.
    public var error: String
    /// Changes that wait, folded by key within a commit, and the bytes that they take.
    public var changes: Int64
    public var bytes: Int64

    public init(since: String, error: String, changes: Int64, bytes: Int64) {
        self.since = since
        self.error = error
        self.changes = changes
        self.bytes = bytes
    }
}

/// What of a park a transaction has stored.
public struct DrainedPart: Sendable {
    public var changes: Int64
    /// Nothing is left: the table takes its changes from the stream again.
    public var isAll: Bool

    public init(changes: Int64, isAll: Bool) {
        self.changes = changes
        self.isAll = isAll
    }
}

/// One thing that waits in a park.
public struct ParkedEntry {
    public enum Kind {
        /// A set of net changes, to be stored as one. Their rows are of the batch, by first field.
        case changes(ContiguousArray<NetChange>, TableShape, ChangeBatch)
        /// Changes of a delta table.
        case log(ContiguousArray<LoggedChange>, TableShape, ChangeBatch)
        case truncate
        /// The table has another shape from here on.
        case evolve(TableShape)
    }

    /// The binding's place in the link.
    public var binding: Int
    public var kind: Kind

    public init(binding: Int, kind: Kind) {
        self.binding = binding
        self.kind = kind
    }
}

/// Brings what is parked of a link's tables into them: a piece in one transaction, with its removal from the park.
///
/// Order of calls: `begin`; `next` until it is nil, each entry stored before the next is asked for or folded with those
/// that follow; `finish`. A piece holds whole commits of the link. While a session is open, the link's runner can't park
/// anything and can't begin; what it parked before is all there. After a throw nothing of the piece has happened: close.
public protocol ParkSession: RowStore {
    /// Locks the link's parks. Which of the bindings have one.
    func begin(_ bindings: Set<Int>) throws -> Set<Int>

    /// What comes next, over all of the bindings in the order that it was parked in; nil at the end of the piece.
    func next() throws -> ParkedEntry?

    /// Changes a table's shape as the stream did. Returns the SQL that it ran.
    func evolve(_ binding: Int, to shape: TableShape) throws -> [String]

    /// Takes the piece out of the park and commits; by binding, what was stored.
    func finish() throws -> [Int: DrainedPart]

    func close()
}

/// What one captured table and its destination table are compared by.
///
/// Rows travel as text, so they are equal where the text of each column is, the source's taken through the destination's type
/// first. Columns that only the destination has are not looked at.
public struct ComparisonPlan: Sendable {
    /// One column at both ends.
    public struct Column: Sendable {
        public var source: String
        /// Nil where the destination has no such column: it then counts as null.
        public var destination: String?
        /// The destination's type, where it is not the source's.
        public var type: String?

        public init(source: String, destination: String?, type: String? = nil) {
            self.source = source
            self.destination = destination
            self.type = type
        }
    }

    public var columns: [Column]
    /// The collection's key, as places in `columns`.
    public var key: [Int]
    /// Whether the destination has an index by the key, of types that mean the same everywhere: ranges of keys can be read.
    public var isOrdered: Bool
    /// The column that marks rows as deleted, and that such rows don't count; nil without soft deletes.
    public var deletionMark: String?
    /// The server's name for what its text is encoded in.
    public var encoding: String
    /// Whether texts are to be compared in one encoding.
    public var convertsText = false

    public init(columns: [Column], key: [Int], isOrdered: Bool, deletionMark: String?, encoding: String) {
        self.columns = columns
        self.key = key
        self.isOrdered = isOrdered
        self.deletionMark = deletionMark
        self.encoding = encoding
    }
}

/// A part of a table's rows. All parts of a table together have each key once, at each end by itself.
public enum TableSlice: Sendable, Equatable {
    /// Keys above one, up to another; nil for no bound.
    case keys(above: RowKey?, upTo: RowKey?)
    /// Keys whose hash leaves `part` when divided by `count`, a power of two.
    case share(part: Int, count: Int)
}

/// What the rows of a slice come to.
public struct SliceDigest: Equatable, Sendable {
    public var rows: Int64
    /// Of 64-bit hashes of the rows' text.
    public var sum: String

    public init(rows: Int64, sum: String) {
        self.rows = rows
        self.sum = sum
    }
}

/// One row's key and the hash of its text.
public struct RowDigest: Sendable {
    public var key: RowKey
    public var hash: Int64

    public init(key: RowKey, hash: Int64) {
        self.key = key
        self.hash = hash
    }
}

/// A row as it was seen at one moment.
public struct RowSight: Equatable, Sendable {
    /// Changes whenever the row is written.
    public var version: String
    public var hash: Int64

    public init(version: String, hash: Int64) {
        self.version = version
        self.hash = hash
    }
}

/// Rows by key as one snapshot showed them.
public struct Sighting: Sendable {
    /// At the source: behind everything that the snapshot showed. At the destination: the link's position in it.
    public var position: LogPosition
    /// Parallel to the keys that were asked for; nil where there is no such row.
    public var rows: [RowSight?]
    /// At the source: the transactions that had written to the table, just before the snapshot was taken, and may have been
    /// committing. The log has a commit before snapshots show it, so the link may have brought what this look doesn't show.
    public var committing: Set<String>

    public init(position: LogPosition, rows: [RowSight?], committing: Set<String> = []) {
        self.position = position
        self.rows = rows
        self.committing = committing
    }
}

/// One end's rows of a table that is compared, on a connection of their own: used by one thread at a time. Keys are in the
/// destination's text at both ends. Every call sees one moment. All throw `RunError`.
public protocol ComparedRows: AnyObject, Sendable {
    func digest(of slice: TableSlice) throws -> SliceDigest
    func rows(of slice: TableSlice) throws -> [RowDigest]
    /// The rows of distinct keys, with the position.
    func look(at keys: [RowKey]) throws -> Sighting
    /// By key: a hash of each column; nil where there is no such row.
    func columns(of keys: [RowKey]) throws -> [[Int64]?]
    func close()
}

/// The source's rows.
public protocol ComparedSourceRows: ComparedRows {
    /// The key so many rows above another, in the table's order; nil where fewer are left.
    func bound(above key: RowKey?, rows: Int) throws -> RowKey?
}

/// The destination's rows.
public protocol ComparedDestinationRows: ComparedRows {
    /// Whether the destination, too, has the second key above the first.
    func ascends(from first: RowKey, to second: RowKey) throws -> Bool
}

/// What of the log a link has not taken yet.
public enum LogRemainder: Sendable {
    /// Nobody reads the log, and up to the place asked for it has no change of a captured table.
    case nothing
    /// Nobody reads the log, and it has changes.
    case changes
    /// A runner reads the log, or it can't be told.
    case unknown
}

/// A captured table as it is compared.
public struct ComparedTable: Sendable {
    public var shape: TableShape
    /// Whether an index of the source has the key's columns in the key's order, of types that mean the same everywhere.
    public var isOrdered: Bool
    public var encoding: String
    public var estimatedRows: Int64?

    public init(shape: TableShape, isOrdered: Bool, encoding: String, estimatedRows: Int64?) {
        self.shape = shape
        self.isOrdered = isOrdered
        self.encoding = encoding
        self.estimatedRows = estimatedRows
    }
}

/// A capture whose tables can be compared with what a destination made of them. Needs no `prepare`, and changes nothing.
public protocol ComparableCapture: Capture {
    /// The binding's table at the source, as users name it: `public.orders`.
    func sourceName(of binding: LinkBinding) -> String
    /// A place behind everything that is committed now.
    func positionNow() throws -> LogPosition
    func comparedTable(_ binding: LinkBinding) throws -> ComparedTable
    /// What a link that has reached the first place, and does not move, lacks of the log up to the second.
    func remainder(after reached: LogPosition, upTo target: LogPosition) throws -> LogRemainder
    func openRows(of binding: LinkBinding, _ plan: ComparisonPlan) throws -> any ComparedSourceRows
}

/// A materialization whose tables can be compared with their source's. Changes nothing, and takes no link over.
public protocol ComparableMaterialization: Materialization {
    func comparisonPlan(for binding: LinkBinding, shape: TableShape, isOrdered: Bool) throws -> ComparisonPlan
    func openRows(
        of binding: LinkBinding, in link: LinkSpec, _ plan: ComparisonPlan
    ) throws -> any ComparedDestinationRows
}

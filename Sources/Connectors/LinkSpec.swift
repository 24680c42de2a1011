import JSON

/// One capture feeding one materialization: the unit that has a checkpoint and a fence.
public struct LinkSpec: Sendable {
    public var capture: String
    public var materialization: String
    public var bindings: [LinkBinding]
    /// Those that the link goes on without, by the catalog's policy, until they are read again.
    public var disabled: [LinkBinding] = []

    public init(capture: String, materialization: String, bindings: [LinkBinding]) {
        self.capture = capture
        self.materialization = materialization
        self.bindings = bindings
    }
}

/// One captured table going to one destination table.
public struct LinkBinding: Sendable {
    /// The captured table: the index of its binding among the capture's.
    public var table: Int
    /// The binding's index in the materialization's list, as diagnostics and events name it.
    public var index: Int
    public var collection: String
    /// Destination schema and table, defaults filled in, case significant.
    public var schema: String
    public var name: String
    /// The collection's key as column names, in order. Empty: rows have no key.
    public var key: [String]
    public var mode: InsertMode
    public var deletes: DeleteMode
    /// Raised by the user to have the table read again: the capture binding's.
    public var backfillCounter: Int
    /// Raised by the user to have the table emptied and read again: the materialization binding's.
    public var rebuildCounter: Int
    public var skipsBackfill: Bool
    /// Only some of the rows that were there are read: every change counts from the beginning, and updates of rows that the
    /// destination does not have come.
    public var readsSomeRows: Bool
    /// Metadata columns asked for by field selection: `_meta/op`, `flow_published_at`, ….
    public var requiredFields: [String]
    /// Columns of the source that are not stored.
    public var excludedFields: [String]
    /// The only columns of the source that are stored; nil for all that are not excluded.
    public var onlyFields: [String]?
    /// By column of the source: its name at the destination, where that is another one.
    public var names: [JSONKey: String] = [:]
    /// By column of the source: the type that the catalog wants at the destination instead of the source's.
    public var types: [JSONKey: FieldType] = [:]
    /// Whether something else writes rows into the destination's table, which the source does not have.
    public var isShared = false
    /// Whether a table that holds rows which nobody knows of is filled over them; what the source lacks is removed then.
    public var adopts = false
    /// The part of the table's history that is taken; nil for all. Such a binding `readsSomeRows`.
    public var window: TimeWindow?
    /// What is done where the table can't follow the source any more.
    public var onIncompatible = IncompatibilityPolicy.abort
    /// What is done about a row that the destination can't take.
    public var onRowError = RowErrorPolicy.halt
    /// Of an append-only table: whether values that an update left out are asked of the source (`advanced.toast: lookup`).
    public var looksUpUnchanged = false
    /// Run in the transaction that creates the table; nil for none.
    public var additionalCreateSQL: String?

    public init(
        table: Int, index: Int, collection: String, schema: String, name: String, key: [String],
        mode: InsertMode = .upsert, deletes: DeleteMode = .hard, backfillCounter: Int = 0, rebuildCounter: Int = 0,
        skipsBackfill: Bool = false, readsSomeRows: Bool = false, requiredFields: [String] = [],
        excludedFields: [String] = [], onlyFields: [String]? = nil,
        additionalCreateSQL: String? = nil
    ) {
        self.table = table
        self.index = index
        self.collection = collection
        self.schema = schema
        self.name = name
        self.key = key
        self.mode = mode
        self.deletes = deletes
        self.backfillCounter = backfillCounter
        self.rebuildCounter = rebuildCounter
        self.skipsBackfill = skipsBackfill
        self.readsSomeRows = readsSomeRows
        self.requiredFields = requiredFields
        self.excludedFields = excludedFields
        self.onlyFields = onlyFields
        self.additionalCreateSQL = additionalCreateSQL
    }

    /// Whether the destination's rows mirror the source's and nothing tells them apart: a row is known by all of its values,
    /// and there can be several of it.
    public var isKeylessMirror: Bool { mode == .upsert && key.isEmpty }

    /// Whether rows stay that the source no longer has.
    public var keepsRows: Bool { mode == .insert || deletes == .ignore }

    /// Whether reading the whole table mends what the log lacks of it. Not of a table that has every change as a row, of one whose
    /// rows are not read, and of one that is to have some of them only: what it has by its changes would stay as it is. So would
    /// the older values of a row without a key where no row is removed.
    public var isMendedByReading: Bool {
        isMendedByRemoving && !readsSomeRows && !(isKeylessMirror && deletes == .ignore)
    }

    /// The same of what is only to be removed. Not where rows are there that the source never had.
    public var isMendedByRemoving: Bool { mode == .upsert && window == nil && !skipsBackfill && !isShared }

    /// Whether a column of the source is stored.
    public func takes(_ column: String) -> Bool {
        !excludedFields.containsName(column) && (onlyFields?.containsName(column) ?? true)
    }

    /// Whether a column of the source is kept in a type that the catalog names, as the text that the source wrote.
    public func keepsText(_ column: String) -> Bool { takes(column) && types[JSONKey(column)] != nil }

    /// What a column of the source is called at the destination.
    public func destinationName(of column: String) -> String { names[JSONKey(column)] ?? column }
}

extension LinkBinding {
    /// What has the table read again at the next start, in words for whoever keeps the catalog.
    public func readingAgain(in link: LinkSpec) -> String {
        mode == .upsert
            ? "raise `backfill` of the table's binding in capture \(link.capture) to \(backfillCounter + 1): it is read over "
                + "what is there, and rows that the source no longer has are removed"
            : "raise `backfill` of the table's binding in capture \(link.capture) to \(backfillCounter + 1): each of its rows is "
                + "appended once more (`r`), and what is there stays"
    }

    /// What to do about a table that lacks what the log doesn't show. `remedy`: what has it read again.
    public func mending(_ remedy: String) -> String {
        skipsBackfill
            ? "its rows are not read (mode, skip_backfills). To go on with those that are there: " + remedy
            : "have the table read again: " + remedy
    }

    /// The same of a table whose columns may not take what is read.
    public func readingAnew(in link: LinkSpec) -> String {
        "raise `backfill` of its binding in materialization \(link.materialization) to \(rebuildCounter + 1) and apply "
            + "with --allow-destructive: the table is emptied first"
    }

    /// What empties the table and has it read again at the next start, in words that users can run: for a table that can't
    /// take what is read. By the materialization's name.
    public func forgetting(task: String) -> String {
        func quoted(_ text: String, _ mark: Unicode.Scalar) -> String {
            "\(mark)" + text.unicodeScalars.map { $0 == mark ? "\(mark)\(mark)" : "\($0)" }.joined() + "\(mark)"
        }
        return
            "TRUNCATE \(quoted(schema, "\"")).\(quoted(name, "\"")); DELETE FROM flow.bindings WHERE materialization = "
            + "\(quoted(task, "'")) AND destination_schema = \(quoted(schema, "'")) "
            + "AND destination_table = \(quoted(name, "'"));"
    }
}

/// What is done about a table that can't follow the source any more (`RunError.incompatibility`).
public enum IncompatibilityPolicy: String, Sendable {
    /// The link stops and says what mends it.
    case abort
    /// The table is emptied, loses the columns that are in the way, and is read again.
    case backfill
    /// The table stays as it is and takes no more changes; the link's others go on.
    case disableBinding
    case disableTask
}

/// A type that the catalog gives a destination's column.
public enum FieldType: Hashable, Sendable {
    /// Text, whatever the source's type is: the value as Postgres writes it.
    case text
    /// What follows the column's name in DDL: a type, and perhaps more.
    case declared(String)
}

/// Whether a destination table holds the rows as they are, or each change as a row.
public enum InsertMode: String, Sendable {
    case upsert
    /// Append only: what `delta_updates: true` says.
    case insert
}

/// What a delete at the source does to the destination's row.
public enum DeleteMode: String, Sendable {
    case hard
    /// The row stays and its `_meta/op` becomes `d`.
    case soft
    case ignore
}

import Catalog
import Connectors
import JSON

/// Which of a source table's columns a binding takes, and what they are called at the destination.
public struct ColumnSelection: Sendable, Hashable {
    /// The columns by name, key columns first; nil for all that are not in `excluded`.
    public var only: [String]?
    /// Columns left out.
    public var excluded: Set<JSONKey>
    /// The names of columns that have another one at the destination.
    public var names: [JSONKey: String]

    /// Whether a column goes on. Names are told apart by their bytes, as databases do.
    public func takes(_ column: String) -> Bool {
        !excluded.contains(JSONKey(column)) && (only?.containsName(column) ?? true)
    }

    /// What a column is called at the destination.
    public func destinationName(of column: String) -> String { names[JSONKey(column)] ?? column }

    /// Every column under its own name.
    public static let all = ColumnSelection(only: nil, excluded: [], names: [:])

    public init(only: [String]?, excluded: Set<JSONKey>, names: [JSONKey: String]) {
        self.only = only
        self.excluded = excluded
        self.names = names
    }

    /// Resolves a selection of fields: what the user requires or excludes comes before the key, the key before what is
    /// recommended, and of a column's names a required one before a projection before its own. A field within a column
    /// is that column's matter: columns are taken whole. Only a table that appends may go without its key. What the
    /// collection's schema blocks comes before all of these.
    init(
        _ fields: MaterializationTask.FieldSelection, key: [String], keepsKey: Bool, of collection: CollectionColumns
    ) {
        let excluded = fields.exclude.nameSet
        let required = fields.require.map(\.field).nameSet
        let keys = key.compactMap { JSONPointer(parsing: $0)?.tokens.first }.filter { $0 != "_meta" }
        let projections = Dictionary(grouping: collection.renamed, by: { JSONKey($0.column) }).mapValues {
            $0.map(\.field)
        }
        let columnOf = Dictionary(
            collection.renamed.map { (JSONKey($0.field), $0.column) }, uniquingKeysWith: { first, _ in first })
        var names: [JSONKey: String] = [:]
        let blocked = collection.blocked.nameSet
        for (column, fields) in projections
        where !required.contains(JSONKey(Self.field(column.text))) && !blocked.contains(column) {
            let free = fields.filter { !excluded.contains(JSONKey($0)) }
            if let field = free.first(where: { required.contains(JSONKey($0)) }) ?? free.first { names[column] = field }
        }
        let recommended = fields.recommendedDepth == 0 ? [] : collection.named
        var only: [String]?
        if let recommended {
            let wanted = fields.require.map { columnOf[JSONKey($0.field)] ?? Self.column($0.field) }
            var known: Set<JSONKey> = []
            only = (keys + recommended + wanted).filter { !Self.isMetadata($0) && known.insert(JSONKey($0)).inserted }
        }
        self.names = names
        let left = fields.exclude.compactMap { columnOf[JSONKey($0)] ?? Self.wholeColumn($0) }.filter {
            names[JSONKey($0)] == nil && !(keepsKey && keys.containsName($0))
        }
        let gone = left.nameSet.union(blocked)
        self.excluded = gone
        self.only = only?.filter { !gone.contains(JSONKey($0)) }
    }

    /// The source's column that a field is: a projection's, or the one of its own name. A field within a column, and
    /// metadata, stay as they are.
    public func column(ofField field: String) -> String {
        if let renamed = names.first(where: { $0.value.isSameName(as: field) }) { return renamed.key.text }
        return Self.wholeColumn(field) ?? field
    }

    private static func field(_ column: String) -> String { JSONPointer.escape(column) }

    /// The column of a field: `a~1b` is the column `a/b`.
    private static func column(_ field: String) -> String {
        JSONPointer(parsing: "/" + field)?.tokens.first ?? field
    }

    /// The column of a field that is all of it; nil for a field within one.
    private static func wholeColumn(_ field: String) -> String? {
        guard let tokens = JSONPointer(parsing: "/" + field)?.tokens else { return field }
        return tokens.count == 1 ? tokens[0] : nil
    }

    private static func isMetadata(_ column: String) -> Bool { column == "_meta" || column.hasPrefix("flow_") }
}

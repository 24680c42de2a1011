import Catalog
import JSON

/// Which of a source table's columns a binding takes, and what they are called at the destination.
public struct ColumnSelection: Sendable, Hashable {
    /// The columns by name, key columns first; nil for all that are not in `excluded`.
    public var only: [String]?
    /// Columns left out.
    public var excluded: Set<String>
    /// The names of columns that have another one at the destination.
    public var names: [String: String]

    /// Whether a column goes on.
    public func takes(_ column: String) -> Bool { !excluded.contains(column) && (only?.contains(column) ?? true) }

    /// Every column under its own name.
    public static let all = ColumnSelection(only: nil, excluded: [], names: [:])

    public init(only: [String]?, excluded: Set<String>, names: [String: String]) {
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
        let excluded = Set(fields.exclude)
        let required = Set(fields.require.map(\.field))
        let keys = key.compactMap { JSONPointer(parsing: $0)?.tokens.first }.filter { $0 != "_meta" }
        let projections = Dictionary(grouping: collection.renamed, by: \.column).mapValues { $0.map(\.field) }
        let columnOf = Dictionary(
            collection.renamed.map { ($0.field, $0.column) }, uniquingKeysWith: { first, _ in first })
        var names: [String: String] = [:]
        let blocked = Set(collection.blocked)
        for (column, fields) in projections where !required.contains(Self.field(column)) && !blocked.contains(column) {
            let free = fields.filter { !excluded.contains($0) }
            if let field = free.first(where: required.contains) ?? free.first { names[column] = field }
        }
        let recommended = fields.recommendedDepth == 0 ? [] : collection.named
        var only: [String]?
        if let recommended {
            let wanted = fields.require.map { columnOf[$0.field] ?? Self.column($0.field) }
            var known: Set<String> = []
            only = (keys + recommended + wanted).filter { !Self.isMetadata($0) && known.insert($0).inserted }
        }
        self.names = names
        self.excluded = Set(
            fields.exclude.compactMap { columnOf[$0] ?? Self.wholeColumn($0) }.filter {
                names[$0] == nil && !(keepsKey && keys.contains($0))
            }
        ).union(blocked)
        self.only = only?.filter { !self.excluded.contains($0) }
    }

    /// The source's column that a field is: a projection's, or the one of its own name. A field within a column, and
    /// metadata, stay as they are.
    public func column(ofField field: String) -> String {
        if let renamed = names.first(where: { $0.value == field }) { return renamed.key }
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

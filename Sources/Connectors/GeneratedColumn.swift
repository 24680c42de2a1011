import JSON

/// A column that the source computes from others of the row and stores, and that its log leaves out. A destination that has the
/// others can compute it too: only such whose value is the same on every server are part of a shape.
public struct GeneratedColumn: Hashable, Sendable {
    public var name: String
    /// As `ColumnShape.type` and `collation`.
    public var type: String
    public var collation: String?
    /// The expression as DDL, over columns of the same table.
    public var expression: String
    /// The names of the columns that it is computed from.
    public var columns: [String]
    /// The column's number at the source.
    public var attribute: Int

    public init(
        name: String, type: String, collation: String? = nil, expression: String, columns: [String], attribute: Int
    ) {
        self.name = name
        self.type = type
        self.collation = collation
        self.expression = expression
        self.columns = columns
        self.attribute = attribute
    }
}

extension LinkBinding {
    /// Why the destination can't compute a column as the source does, as the end of a sentence; nil where it can.
    public func obstacle(to column: GeneratedColumn) -> String? {
        guard takes(column.name) else { return "it is not taken" }
        guard mode == .upsert else { return "a row of an append-only table can lack what it is computed from" }
        guard column.columns.allSatisfy(takes) else { return "it is computed from columns that are not taken" }
        guard types[JSONKey(column.name)] == nil else { return "the catalog gives it another type" }
        guard column.columns.allSatisfy({ names[JSONKey($0)] == nil && types[JSONKey($0)] == nil }) else {
            return "it is computed from columns that have other names or types here"
        }
        return nil
    }
}

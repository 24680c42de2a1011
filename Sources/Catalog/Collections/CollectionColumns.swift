import JSON
import JSONSchema
import YAML

/// What a collection says of the columns of the table that it is captured from.
public struct CollectionColumns: Sendable {
    /// A column with a name of its own.
    public struct Renamed: Sendable, Hashable {
        /// The projection's name.
        public let field: String
        /// The source's column.
        public let column: String
    }

    /// The columns that the schema names, in its order; nil for all of the table's: there is no schema, or an open one.
    public let named: [String]?
    /// No other column may leave the source: the root of the schema has `additionalProperties: false`.
    public let isClosed: Bool
    /// Those with a projection, in the order written.
    public let renamed: [Renamed]
    /// Those that `redact: { strategy: block }` removes: stored nowhere, whatever a binding asks for.
    public let blocked: [String]
}

extension CollectionSpec {
    /// The collection's columns; right for a collection without faults only.
    public var columns: CollectionColumns {
        let renamed = projectedFields().filter { $0.pointer.tokens.count == 1 }.map {
            CollectionColumns.Renamed(field: $0.name, column: $0.pointer.tokens[0])
        }
        let blocked = redaction.columns
        let read = model.isOpen ? nil : model.read?.columns
        // What may be written decides what leaves the source, whatever the schema for reading says or leaves open.
        let closed = model.isTable ? nil : model.write?.closedColumns
        let known = read.map { Set($0.map(JSONKey.init)) }
        let both = closed?.filter { known?.contains(JSONKey($0)) ?? true }
        return CollectionColumns(named: both ?? read, isClosed: closed != nil, renamed: renamed, blocked: blocked)
    }
}

extension SchemaModel {
    /// The properties that a column can have, in the schema's order.
    fileprivate var columns: [String] {
        shape.properties.filter { $0.name != "_meta" && !$0.shape.isImpossible }.map(\.name)
    }

    /// The columns of a schema that takes no others; nil for one that does.
    fileprivate var closedColumns: [String]? {
        let isClosed = shape.additionalProperties?.shape.isImpossible ?? false
        return isClosed ? columns : nil
    }
}

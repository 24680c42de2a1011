import Connectors
import Postgres

/// The shapes that the stream's relations have, by the OID that its messages name them with.
///
/// A relation message comes before a table's first change, and again whenever the server's own cache was renewed: mostly
/// it says nothing new, and the shape stays the same object.
///
/// A table is known by its OID. One that is renamed, or another one under its name, stops the run (`TableWatch`): whose
/// changes are meant is for the catalog to say.
final class RelationCache {
    /// By relation: nil for a table that is published and not captured.
    private var shapes: [UInt32: TableShape?] = [:]
    private var current: [TableShape]
    private let sources: [TableSource]
    private let connection: Connection
    /// The relation of the change before, which mostly is the next one's too.
    private var last: (relation: UInt32, shape: TableShape?)?

    init(sources: [TableSource], shapes: [TableShape], connection: Connection) {
        self.sources = sources
        current = shapes
        self.connection = connection
    }

    /// The shape of a relation's rows; nil for a table that is not captured, or not announced.
    @inline(__always)
    func shape(of relation: UInt32) -> TableShape? {
        if let last, last.relation == relation { return last.shape }
        let shape = shapes[relation] ?? nil
        last = (relation, shape)
        return shape
    }

    /// Takes a relation message in; returns the shape if the relation's rows are captured and it is new to this session.
    func learn(_ relation: RelationMessage) throws -> TableShape? {
        last = nil
        guard let source = try captured(relation) else {
            shapes[relation.id] = .some(nil)
            return nil
        }
        var relation = relation
        if source.isPartitioned { try narrow(&relation, source) }
        let known = current[source.index]
        let shape = RelationCache.isSame(known, relation) ? known : try describe(relation, source)
        let isNew = (shapes[relation.id] ?? nil) !== shape
        shapes[relation.id] = shape
        current[source.index] = shape
        return isNew ? shape : nil
    }

    /// The captured table that a relation is, by its number: names move. The log may be older than the catalog, so a name that
    /// differs is looked up in it: nil for another table of a captured one's name that is gone by now.
    private func captured(_ relation: RelationMessage) throws -> TableSource? {
        let named = sources.first { $0.name.schema.name == relation.namespace && $0.name.name.name == relation.name }
        let numbered = sources.first { $0.oid == relation.id }
        if let numbered, numbered.index == named?.index { return numbered }
        if let numbered {
            try TableWatch.require([numbered], connection)
            return numbered
        }
        if let named { try TableWatch.require([named], connection) }
        return nil
    }

    /// Marks as identity what the old rows of all partitions carry. The message comes again before the first change of a
    /// partition, also of a new one: none of its changes goes on before it was looked at.
    private func narrow(_ relation: inout RelationMessage, _ source: TableSource) throws {
        let leaves = try LeafIdentity.read(source.oid, connection)
        try leaves.require(source.neededIdentity, of: source)
        for index in relation.columns.indices where !leaves.carries(relation.columns[index].name) {
            relation.columns[index].isKey = false
        }
    }

    private static func isSame(_ shape: TableShape, _ relation: RelationMessage) -> Bool {
        shape.columns.count == relation.columns.count
            && zip(shape.columns, relation.columns).allSatisfy {
                $0.name == $1.name && $0.typeOID == $1.typeOID && $0.typeModifier == $1.typeModifier
                    && $0.isIdentity == $1.isKey
            }
    }

    /// The message's columns, with what the catalog knows of them now. It may be ahead of the stream: a column that is
    /// gone by now has no number, and a type that is gone can't be described.
    private func describe(_ relation: RelationMessage, _ source: TableSource) throws -> TableShape {
        var table = source
        table.oid = relation.id
        let live = try TableCatalog(connection: connection).columns(of: table)
        if live.contains(where: { ($0.attribute ?? 0) > source.storage.lastColumn }) {
            try TableWatch.requireKnownPast(source, connection)
        }
        let columns = try relation.columns.map { column -> ColumnShape in
            let match = live.first { $0.name == column.name }
            if var match, match.typeOID == column.typeOID, match.typeModifier == column.typeModifier {
                match.isIdentity = column.isKey
                return match
            }
            let rows = try connection.query(
                """
                SELECT format_type(oid, \(literal: String(column.typeModifier))::int4), typlen = -1 AND typstorage <> 'p'
                  FROM pg_type WHERE oid = \(literal: String(column.typeOID))::oid
                """)
            guard rows.count == 1, let type = rows[0, 0] else {
                throw RunError(
                    .needsOperator, operation: "describe", object: "column \"\(column.name)\" of table \(source.name)",
                    message: "the stream has rows of a type that the source has dropped since",
                    hint: "drop the destination table and its row in flow.bindings, so that it is read again")
            }
            return ColumnShape(
                name: column.name, type: type, typeOID: column.typeOID, typeModifier: column.typeModifier,
                isBinarySafe: BuiltInTypes.binarySafe.contains(column.typeOID), isToastable: rows[0, 1] == "t",
                isIdentity: column.isKey, attribute: match?.attribute)
        }
        return TableShape(
            table: source.index, namespace: source.name.schema.name, name: source.name.name.name, columns: columns,
            types: try TypeCatalog(connection: connection).definitions(of: columns.map(\.typeOID)))
    }
}

import Connectors
import Postgres

/// The shapes that the stream's relations have, by the OID that its messages name them with.
///
/// A relation message comes before a table's first change, and again whenever the server's own cache was renewed: mostly
/// it says nothing new, and the shape stays the same object.
///
/// A table is known by its OID: one that is renamed or moved to another schema goes on, one that is dropped and made anew
/// under its name is another table, whose rows must not be mixed with those of the first.
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
        guard let source = sources.first(where: { $0.oid == relation.id }) else {
            try refuseRecreated(relation)
            shapes[relation.id] = .some(nil)
            return nil
        }
        let known = current[source.index]
        let shape = RelationCache.isSame(known, relation) ? known : try describe(relation, source)
        let isNew = (shapes[relation.id] ?? nil) !== shape
        shapes[relation.id] = shape
        current[source.index] = shape
        return isNew ? shape : nil
    }

    /// Throws where the relation has taken a captured table's place since this session began. One that had the name in an
    /// older part of the log is passed over: its rows were gone before the captured table was made.
    private func refuseRecreated(_ relation: RelationMessage) throws {
        guard
            let source = sources.first(where: {
                $0.name.schema.name == relation.namespace && $0.name.name.name == relation.name
            }),
            let live = try TableCatalog(connection: connection).table(source.name, index: source.index),
            live.oid == relation.id
        else { return }
        throw RelationCache.recreated(source)
    }

    /// The error of a table that is not the one which was copied.
    static func recreated(_ source: TableSource, task: String? = nil, binding: Int? = nil) -> RunError {
        RunError(
            .needsOperator, operation: "follow", object: "table \(source.name)",
            message: "it was dropped and made anew: the destination holds the rows of the table that is gone",
            hint: "drop the destination table and its row in flow.bindings, so that it is read again", task: task,
            binding: binding)
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

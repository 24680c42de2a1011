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
    private var known: [UInt32: TableShape?] = [:]
    /// The captured tables' shapes as the stream has them now.
    private(set) var shapes: [TableShape]
    private let sources: [TableSource]
    private let connection: Connection
    /// The relation of the change before, which mostly is the next one's too.
    private var last: (relation: UInt32, shape: TableShape?)?

    init(sources: [TableSource], shapes: [TableShape], connection: Connection) {
        self.sources = sources
        self.shapes = shapes
        self.connection = connection
    }

    /// The shape of a relation's rows; nil for a table that is not captured, or not announced.
    @inline(__always)
    func shape(of relation: UInt32) -> TableShape? {
        if let last, last.relation == relation { return last.shape }
        let shape = known[relation] ?? nil
        last = (relation, shape)
        return shape
    }

    /// Its binding in the task's list.
    func binding(ofTable index: Int) -> Int? { sources[index].binding }

    /// The shape that a table's rows have now.
    func shape(ofTable index: Int) -> TableShape { shapes[index] }

    /// Takes a relation message in; returns the shape if the relation's rows are captured and it is new to this session.
    func learn(_ relation: RelationMessage) throws -> TableShape? {
        last = nil
        guard let source = try captured(relation) else {
            known[relation.id] = .some(nil)
            return nil
        }
        var relation = relation
        if source.isPartitioned { try narrow(&relation, source) }
        let before = shapes[source.index]
        try UniqueKeys(connection: connection).require(source.keys, of: source, before)
        let described = try describe(relation, source, before)
        let isSame = described.isSame(as: before) && described.types == before.types
        let shape = isSame ? before : described
        let isNew = (known[relation.id] ?? nil) !== shape
        known[relation.id] = shape
        shapes[source.index] = shape
        return isNew ? shape : nil
    }

    /// The captured table that a relation is, by its number: names move. The log may be older than the catalog, so a name that
    /// differs is looked up in it: nil for another table of a captured one's name that is gone by now.
    private func captured(_ relation: RelationMessage) throws -> TableSource? {
        let named = sources.first { $0.name == QualifiedName(relation.namespace, relation.name) }
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

    /// Gives a table the generated columns that the catalog has now; returns the shape where it is another one.
    func renew(_ index: Int, _ generated: GeneratedColumns) -> TableShape? {
        let old = shapes[index]
        let columns = generated.over(old.columns)
        guard columns != old.generated else { return nil }
        let shape = TableShape(
            table: old.table, namespace: old.namespace, name: old.name, columns: old.columns, types: old.types,
            generated: columns)
        shapes[index] = shape
        for (relation, other) in known where other === old { known[relation] = shape }
        last = nil
        return shape
    }

    /// The message's columns, with what the catalog knows of them now. It may be ahead of the stream: a column's number tells
    /// what it is called, and is, by now; one that is gone has none, and a type that is gone can't be described.
    ///
    /// The catalog is asked for every message: what it says may be all that has changed (NOT NULL, or another column under an
    /// old one's name).
    private func describe(_ relation: RelationMessage, _ source: TableSource, _ known: TableShape) throws -> TableShape
    {
        var table = source
        table.oid = relation.id
        let catalog = TableCatalog(connection: connection)
        let live = try catalog.columns(of: table)
        let before = Dictionary(
            known.columns.compactMap { column in column.attribute.map { (Identifier(column.name), $0) } },
            uniquingKeysWith: { first, _ in first })
        let alignment = ColumnAlignment(
            relation.columns.map(\.name), attributes: try catalog.attributes(of: table), known: before)
        let columns = try zip(relation.columns, alignment.numbers).map { column, number -> ColumnShape in
            let match = number.flatMap { number in live.first { $0.attribute == number } }
            if var match, match.typeOID == column.typeOID, match.typeModifier == column.typeModifier {
                match.name = column.name
                match.isIdentity = column.isKey
                return match
            }
            let isDropped = match == nil && before[Identifier(column.name)] != number
            return try describe(column, of: source, attribute: isDropped ? nil : number)
        }
        let new = columns.filter { column in !known.columns.contains { $0.attribute == column.attribute } }
        try TableWatch.requireKnownPast(new, of: source, connection)
        for column in new { try TableWatch.requireNotGenerated(column.name, source, connection) }
        return TableShape(
            table: source.index, namespace: source.name.schema.name, name: source.name.name.name, columns: columns,
            types: try TypeCatalog(connection: connection).definitions(of: columns.map(\.typeOID)),
            generated: try GeneratedColumns.read([source], connection)[source.oid]?.over(columns) ?? [])
    }

    /// A column of a type that the catalog's column doesn't have any more, or that is gone.
    private func describe(
        _ column: RelationMessage.Column, of source: TableSource, attribute: Int?
    ) throws -> ColumnShape {
        let rows = try connection.query(
            """
            SELECT format_type(oid, \(literal: String(column.typeModifier))::int4), typlen = -1 AND typstorage <> 'p'
              FROM pg_type WHERE oid = \(literal: String(column.typeOID))::oid
            """)
        guard rows.count == 1, let type = rows[0, 0] else {
            throw RunError(
                .needsOperator, operation: "describe", object: "column \"\(column.name)\" of table \(source.name)",
                message: "the stream has rows of a type that the source has dropped since",
                hint: "drop the destination table and its row in flow.bindings, so that it is read again",
                binding: source.binding)
        }
        return ColumnShape(
            name: column.name, type: type, typeOID: column.typeOID, typeModifier: column.typeModifier,
            isBinarySafe: BuiltInTypes.binarySafe.contains(column.typeOID), isToastable: rows[0, 1] == "t",
            isIdentity: column.isKey, attribute: attribute)
    }
}

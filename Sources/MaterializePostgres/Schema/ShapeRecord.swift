import Connectors
import JSON
import Postgres

/// A table's shape as `flow.bindings` keeps it, so that the next run knows what the destination table was prepared for.
struct ShapeRecord {
    var shape: TableShape
    /// Columns that the source no longer has and the destination keeps, with their attribute numbers there.
    var retired: [Identifier: Int]

    /// The highest number of a column that the source is known to have had, of those that are left out too.
    var highest: Int

    /// The destination's own numbers of columns, which stay when somebody renames them there.
    private var places: [Identifier: Int] = [:]

    /// What a layout has of the columns that are stored.
    init(_ layout: BoundTable.Layout) {
        for column in layout.table.columns where column.number > 0 { places[Identifier(column.name)] = column.number }
        shape = layout.shape.onlyStored
        retired = layout.retired
        highest = max(layout.highest, layout.shape.highest)
    }

    /// The record as text. Types are not part of it: the destination has them.
    var json: String {
        let columns = shape.columns.map { column in
            var members = ShapeRecord.members(of: column)
            members["place"] = places[Identifier(column.name)].map { .int($0) }
            return JSONValue.object(members)
        }
        var record = JSONObject([("columns", .array(columns)), ("highest", .int(highest))])
        if !shape.generated.isEmpty {
            record["generated"] = .array(shape.generated.map { .object(ShapeRecord.members(of: $0)) })
        }
        if !retired.isEmpty {
            let sorted = retired.sorted { $0.key.name < $1.key.name }
            record["retired"] = .object(JSONObject(sorted.map { ($0.key.name, JSONValue.int($0.value)) }))
        }
        return JSONWriter.write(.object(record))
    }

    /// Reads a record back; nil for text that is none.
    init?(_ text: String, table: Int, namespace: String, name: String) {
        guard let record = try? JSONValue(parsing: text), let columns = record["columns"]?.arrayValue else {
            return nil
        }
        var shapes: [ColumnShape] = []
        for column in columns {
            guard let shape = ShapeRecord.column(column) else { return nil }
            places[Identifier(shape.name)] = column["place"]?.intValue
            shapes.append(shape)
        }
        let generated = record["generated"]?.arrayValue?.compactMap { ShapeRecord.generated($0) } ?? []
        shape = TableShape(table: table, namespace: namespace, name: name, columns: shapes, generated: generated)
        highest = max(record["highest"]?.intValue ?? 0, shape.highest)
        retired = [:]
        for member in record["retired"]?.objectValue?.members ?? [] {
            retired[Identifier(member.key)] = member.value.intValue
        }
    }

    /// Takes up the names that columns have at the destination by now, where somebody has renamed them as the source has (`wanted`).
    mutating func renameColumns(as table: DestinationTable, _ wanted: TableShape) {
        let columns = shape.columns.map { column in
            var column = column
            if let place = places[Identifier(column.name)],
                let there = table.columns.first(where: { $0.number == place }),
                wanted.columns.contains(where: {
                    $0.attribute == column.attribute && $0.name.isSameName(as: there.name)
                })
            {
                column.name = there.name
            }
            return column
        }
        shape = TableShape(
            table: shape.table, namespace: shape.namespace, name: shape.name, columns: columns, types: shape.types,
            generated: shape.generated)
    }

    /// A column's members.
    static func members(of column: ColumnShape) -> JSONObject {
        var object = JSONObject([
            ("name", .string(column.name)), ("type", .string(column.type)), ("oid", .int(Int(column.typeOID))),
            ("modifier", .int(Int(column.typeModifier))),
        ])
        object["attribute"] = column.attribute.map { .int($0) }
        object["collation"] = column.collation.map { .string($0) }
        object["missingValue"] = column.missingValue.map { .string($0) }
        if column.isBinarySafe { object["binary"] = true }
        if column.isToastable { object["toastable"] = true }
        if column.isNotNull { object["notNull"] = true }
        if column.isIdentity { object["identity"] = true }
        if column.isDeclared { object["declared"] = true }
        return object
    }

    /// A generated column's members.
    static func members(of column: GeneratedColumn) -> JSONObject {
        var object = JSONObject([
            ("name", .string(column.name)), ("type", .string(column.type)), ("expression", .string(column.expression)),
            ("columns", .array(column.columns.map { .string($0) })), ("attribute", .int(column.attribute)),
        ])
        object["collation"] = column.collation.map { .string($0) }
        return object
    }

    private static func generated(_ value: JSONValue) -> GeneratedColumn? {
        guard let name = value["name"]?.stringValue, let type = value["type"]?.stringValue,
            let expression = value["expression"]?.stringValue, let columns = value["columns"]?.arrayValue,
            let attribute = value["attribute"]?.intValue
        else { return nil }
        return GeneratedColumn(
            name: name, type: type, collation: value["collation"]?.stringValue, expression: expression,
            columns: columns.compactMap(\.stringValue), attribute: attribute)
    }

    private static func column(_ value: JSONValue) -> ColumnShape? {
        guard let name = value["name"]?.stringValue, let type = value["type"]?.stringValue,
            let oid = value["oid"]?.intValue.flatMap({ UInt32(exactly: $0) }),
            let modifier = value["modifier"]?.intValue.flatMap({ Int32(exactly: $0) })
        else { return nil }
        var column = ColumnShape(
            name: name, type: type, typeOID: oid, typeModifier: modifier,
            isBinarySafe: value["binary"]?.boolValue ?? false, isToastable: value["toastable"]?.boolValue ?? false,
            collation: value["collation"]?.stringValue, isNotNull: value["notNull"]?.boolValue ?? false,
            isIdentity: value["identity"]?.boolValue ?? false, attribute: value["attribute"]?.intValue,
            missingValue: value["missingValue"]?.stringValue)
        column.isDeclared = value["declared"]?.boolValue ?? false
        return column
    }
}

extension TableShape {
    /// With the columns only that are stored.
    var onlyStored: TableShape {
        guard columns.contains(where: { !$0.isStored }) else { return self }
        return TableShape(
            table: table, namespace: namespace, name: name, columns: storedColumns, types: types,
            generated: generated)
    }
}

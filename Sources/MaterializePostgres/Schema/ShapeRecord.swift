import Connectors
import JSON

/// A table's shape as `flow.bindings` keeps it, so that the next run knows what the destination table was prepared for.
enum ShapeRecord {
    /// The record of a shape. Types are not part of it: the destination has them.
    static func json(_ shape: TableShape) -> String {
        let columns = shape.columns.map { JSONValue.object(members(of: $0)) }
        return JSONWriter.write(.object(JSONObject([("columns", .array(columns))])))
    }

    /// Reads a record back; nil for text that is none.
    static func shape(_ text: String, table: Int, namespace: String, name: String) -> TableShape? {
        guard let record = try? JSONValue(parsing: text), let columns = record["columns"]?.arrayValue else { return nil }
        var shapes: [ColumnShape] = []
        for column in columns {
            guard let shape = self.column(column) else { return nil }
            shapes.append(shape)
        }
        return TableShape(table: table, namespace: namespace, name: name, columns: shapes)
    }

    private static func members(of column: ColumnShape) -> JSONObject {
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
        return object
    }

    private static func column(_ value: JSONValue) -> ColumnShape? {
        guard let name = value["name"]?.stringValue, let type = value["type"]?.stringValue,
            let oid = value["oid"]?.intValue.flatMap({ UInt32(exactly: $0) }),
            let modifier = value["modifier"]?.intValue.flatMap({ Int32(exactly: $0) })
        else { return nil }
        return ColumnShape(
            name: name, type: type, typeOID: oid, typeModifier: modifier,
            isBinarySafe: value["binary"]?.boolValue ?? false, isToastable: value["toastable"]?.boolValue ?? false,
            collation: value["collation"]?.stringValue, isNotNull: value["notNull"]?.boolValue ?? false,
            isIdentity: value["identity"]?.boolValue ?? false, attribute: value["attribute"]?.intValue,
            missingValue: value["missingValue"]?.stringValue)
    }
}

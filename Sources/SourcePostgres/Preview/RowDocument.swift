import Connectors
import JSON

/// Makes Flow documents of rows: the columns, then `_meta` with what happened and where.
///
/// Values that an update left out (unchanged TOAST) are absent, never null. Of a row that the log has the key of only, the key's
/// columns are there.
struct RowDocument {
    /// Where a change was in the log.
    struct Place {
        /// Byte positions: the end of the transaction before, the change itself, the transaction's own commit.
        var location: [UInt64]
        var transaction: UInt32
        /// Microseconds since 2000-01-01 UTC.
        var time: Int64
    }

    var values: DocumentValue
    /// By table: columns of the collection's key, the only ones that may be shown (nil for all), and those that may not.
    let keys: [[String]]
    let columns: [[String]?]
    let blocked: [[String]]

    /// A row that was there as the capture began; `row` is its number in the table, from 0.
    func ofBackfill(_ first: Int32, row: Int, _ shape: TableShape, _ batch: ChangeBatch) -> JSONObject {
        var source = names(shape)
        source["snapshot"] = .bool(true)
        source["loc"] = .array([.int(-1), .int(row), .int(0)])
        var document = values(of: first, shape, batch, keyOnly: false)
        document["_meta"] = .object(JSONObject([("op", .string("c")), ("source", .object(source))]))
        return document
    }

    /// A change; nil for an event that is no row's.
    func ofChange(_ event: ChangeEvent, at place: Place, _ shape: TableShape, _ batch: ChangeBatch) -> JSONObject? {
        var source = names(shape)
        source["ts_ms"] = .int(Int(place.time / 1000 + RowDocument.epoch))
        source["loc"] = .array(place.location.map { .int(Int(truncatingIfNeeded: $0)) })
        source["txid"] = .int(Int(place.transaction))
        var meta = JSONObject()
        var document: JSONObject
        switch event.kind {
        case .insert:
            meta["op"] = .string("c")
            document = values(of: event.newRow, shape, batch, keyOnly: false)
        case .update:
            meta["op"] = .string("u")
            document = values(of: event.newRow, shape, batch, keyOnly: false)
        case .delete:
            meta["op"] = .string("d")
            document = values(of: event.oldRow, shape, batch, keyOnly: event.oldRowIsKey)
        default: return nil
        }
        meta["source"] = .object(source)
        if event.kind == .update, event.oldRow >= 0 {
            meta["before"] = .object(values(of: event.oldRow, shape, batch, keyOnly: event.oldRowIsKey))
        }
        document["_meta"] = .object(meta)
        return document
    }

    /// From 1970 to 2000, in milliseconds.
    private static let epoch: Int64 = 946_684_800_000

    private func names(_ shape: TableShape) -> JSONObject {
        JSONObject([("schema", .string(shape.namespace)), ("table", .string(shape.name))])
    }

    private func isShown(_ column: String, of table: Int) -> Bool {
        (columns[table]?.containsName(column) ?? true) && !blocked[table].containsName(column)
    }

    private func values(of first: Int32, _ shape: TableShape, _ batch: ChangeBatch, keyOnly: Bool) -> JSONObject {
        var members: [(String, JSONValue)] = []
        for (index, column) in shape.columns.enumerated() {
            guard isShown(column.name, of: shape.table), !keyOnly || column.isIdentity else { continue }
            let field = batch.fields[Int(first) + index]
            guard !field.isUnchanged else { continue }
            guard let bytes = batch.value(field) else {
                members.append((column.name, .null))
                continue
            }
            let isKey = keys[shape.table].containsName(column.name)
            members.append(
                (column.name, values.value(String(decoding: bytes, as: UTF8.self), type: column.typeOID, isKey: isKey)))
        }
        return JSONObject(members)
    }
}

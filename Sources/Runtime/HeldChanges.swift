import Connectors

/// Changes of one binding that came while a chunk was being read and may have to go on top of it: copies, in order.
final class HeldChanges {
    struct Change {
        var event: ChangeEvent
        var sequence: Int64
    }

    let rows = ChangeBatch(byteCapacity: 1 << 12)
    private(set) var changes: [Change] = []

    /// Bytes in use, for the bound.
    var size: Int { rows.size + changes.count * MemoryLayout<Change>.stride }

    /// Copies a change with the rows it names. `position` and `time` are its transaction's.
    func append(
        _ kind: ChangeEvent.Kind, newRow: Int32, newFrom: ChangeBatch, oldRow: Int32, oldFrom: ChangeBatch,
        of event: ChangeEvent, shape: TableShape, position: LogPosition, time: Int64, sequence: Int64
    ) {
        let columns = shape.columns.count
        var copy = event
        copy.kind = kind
        copy.position = position
        copy.time = time
        copy.shape = rows.index(of: shape)
        copy.newRow = newRow < 0 ? -1 : rows.copyRow(newRow, count: columns, from: newFrom)
        copy.oldRow = oldRow < 0 ? -1 : rows.copyRow(oldRow, count: columns, from: oldFrom)
        changes.append(Change(event: copy, sequence: sequence))
    }
}

import Connectors
import Postgres

/// Changes of delta tables, each of which is a row.
extension RowSession {
    /// Appends changes in order, in the open transaction.
    func append(_ changes: ContiguousArray<LoggedChange>, _ table: BoundTable, shape: TableShape, rows: RowPool) throws
    {
        guard !changes.isEmpty else { return }
        let plan = try plan(for: shape, of: table)
        let scope = table.scope("append rows")
        try begin()
        let statements = DeltaStatements(plan: plan)
        if changes.count <= RowSession.statementLimit, !isLong(changes, plan, rows) {
            for change in changes {
                addParameters(change, plan, rows)
                try execute(RowSession.keyPrefix(table.number, plan) + "append", scope) { statements.insert }
            }
            return
        }
        let encoder = DeltaEncoder(plan, copyBuffer)
        try copy(statements.copy, scope) { _ in
            for change in changes { try encoder.row(change, rows) }
        }
    }

    private func isLong(_ changes: ContiguousArray<LoggedChange>, _ plan: StorePlan, _ rows: RowPool) -> Bool {
        changes.reduce(0) { $0 + SetSummary.size(of: $1.row, plan, rows) } > RowSession.statementBytes
    }

    private func addParameters(_ change: LoggedChange, _ plan: StorePlan, _ rows: RowPool) {
        parameters.removeAll()
        var lacks = false
        if change.row.isNone {
            for _ in plan.sources { parameters.appendNull() }
        } else {
            let fields = rows.fields(of: change.row)
            let bytes = rows.bytes(of: change.row)
            for source in plan.sources {
                lacks = lacks || fields[source].isUnchanged
                add(fields[source], bytes)
            }
        }
        parameters.append(String(UnicodeScalar(change.operation.rawValue)))
        parameters.append(change.position.description)
        parameters.append(String(change.sequence))
        parameters.append(String(DeltaEncoder.milliseconds(change.time)))
        parameters.append(String(change.transaction))
        if lacks {
            let fields = rows.fields(of: change.row)
            let names = plan.columns.indices.filter { fields[plan.sources[$0]].isUnchanged }
            parameters.append(ArrayText.of(names.map { plan.columns[$0].destination.name }))
        } else {
            parameters.appendNull()
        }
    }
}

/// Writes changes as COPY text for `DeltaStatements.copy`.
struct DeltaEncoder {
    let plan: StorePlan
    let buffer: CopyBuffer
    /// By place in the plan: the column's name as an element of an array.
    private let elements: ContiguousArray<ContiguousArray<UInt8>>

    init(_ plan: StorePlan, _ buffer: CopyBuffer) {
        self.plan = plan
        self.buffer = buffer
        elements = ContiguousArray(plan.columns.map { ContiguousArray(ArrayText.element($0.destination.name).utf8) })
    }

    /// Milliseconds since 1970 from microseconds since 2000.
    static func milliseconds(_ time: Int64) -> Int64 {
        // Rounded down, also before 2000.
        let quotient = time / 1000
        return (time % 1000 < 0 ? quotient - 1 : quotient) + 946_684_800_000
    }

    func row(_ change: LoggedChange, _ rows: RowPool) throws {
        var lacks = false
        if change.row.isNone {
            for place in plan.sources.indices {
                if place > 0 { try buffer.separator() }
                try buffer.null()
            }
        } else {
            lacks = try columns(rows.fields(of: change.row), rows.bytes(of: change.row))
        }
        try metadata(
            change.operation, position: change.position, sequence: change.sequence,
            time: DeltaEncoder.milliseconds(change.time))
        try buffer.number(Int64(change.transaction))
        try buffer.separator()
        if lacks { try names(rows.fields(of: change.row)) } else { try buffer.null() }
        try buffer.endRow()
    }

    /// Whether one of the fields is absent.
    private func columns(_ fields: UnsafePointer<FieldSlice>, _ bytes: UnsafePointer<UInt8>) throws -> Bool {
        var lacks = false
        var isFirst = true
        for source in plan.sources {
            if !isFirst { try buffer.separator() }
            isFirst = false
            let field = fields[source]
            if field.length < 0 {
                lacks = lacks || field.isUnchanged
                try buffer.null()
            } else {
                try buffer.value(bytes + Int(field.offset), count: Int(field.length))
            }
        }
        return lacks
    }

    /// What follows the columns, up to the transaction, with the separators around it.
    func metadata(_ operation: Operation, position: LogPosition, sequence: Int64, time: Int64) throws {
        if !plan.columns.isEmpty { try buffer.separator() }
        try buffer.byte(operation.rawValue)
        try buffer.separator()
        try buffer.position(position)
        try buffer.separator()
        try buffer.number(sequence)
        try buffer.separator()
        try buffer.number(time)
        try buffer.separator()
    }

    private func names(_ fields: UnsafePointer<FieldSlice>) throws {
        try buffer.byte(UInt8(ascii: "{"))
        var isFirst = true
        for place in plan.sources.indices where fields[plan.sources[place]].isUnchanged {
            if !isFirst { try buffer.byte(UInt8(ascii: ",")) }
            isFirst = false
            try elements[place].withUnsafeBufferPointer { element in
                if let start = element.baseAddress { try buffer.value(start, count: element.count) }
            }
        }
        try buffer.byte(UInt8(ascii: "}"))
    }
}

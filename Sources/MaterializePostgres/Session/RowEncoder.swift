import Connectors

/// Writes changes as COPY text for one plan. Nothing is allocated for a row or a value.
struct RowEncoder {
    let plan: StorePlan
    let rows: RowPool
    let buffer: CopyBuffer
    let scope: ErrorScope
    private let keepsOperation: Bool

    init(_ plan: StorePlan, _ rows: RowPool, _ buffer: CopyBuffer, _ scope: ErrorScope) {
        self.plan = plan
        self.rows = rows
        self.buffer = buffer
        self.scope = scope
        keepsOperation = plan.binding.keepsOperation
    }

    /// A line for `StageStatements.copyToTarget`.
    @inline(__always) func newRow(_ change: NetChange) throws {
        try wholeRow(change.row, operation: keepsOperation ? change.operation : nil)
    }

    /// A line for `KeylessStatements.copy`, with the operation where the table takes it.
    @inline(__always) func wholeRow(_ row: RowReference, operation: Operation?) throws {
        try columns(of: row, mayLack: false)
        if let operation {
            try buffer.separator()
            try buffer.byte(operation.rawValue)
        }
        try buffer.endRow()
    }

    /// A line for `StageStatements.copy`.
    @inline(__always)
    func stagedRow(
        _ change: NetChange, operation: UInt8, row: RowReference, withMasks: Bool, withOrigins: Bool
    ) throws {
        try buffer.byte(operation)
        let lacks = change.hasUnchanged && plan.lacksColumns(rows.fields(of: row))
        if withMasks { try masks(row, lacks) }
        if withOrigins {
            if !change.origin.isNone { try origin(change.origin) } else { try noOrigin() }
        }
        try buffer.separator()
        try columns(of: row, mayLack: lacks)
        try buffer.endRow()
    }

    /// A line for `StageStatements.copy` of which the key alone counts, and whether the row moved to another one.
    func stagedDelete(_ change: NetChange, withMasks: Bool, withOrigins: Bool) throws {
        let row = change.row
        try buffer.byte(Operation.delete.rawValue)
        if withMasks {
            for _ in 0..<plan.maskWords {
                try buffer.separator()
                try buffer.byte(UInt8(ascii: "0"))
            }
        }
        if withOrigins { if change.isMovedAway { try origin(row) } else { try noOrigin() } }
        let fields = rows.fields(of: row)
        let bytes = rows.bytes(of: row)
        for (place, source) in plan.sources.enumerated() {
            try buffer.separator()
            if plan.columns[place].isKey {
                guard fields[source].length >= 0 else { throw RowEncoder.noKey(source, plan, scope) }
                try buffer.value(bytes + Int(fields[source].offset), count: Int(fields[source].length))
            } else {
                try buffer.null()
            }
        }
        try buffer.endRow()
    }

    @inline(__always) func columns(of row: RowReference, mayLack: Bool) throws {
        let fields = rows.fields(of: row)
        let bytes = rows.bytes(of: row)
        var isFirst = true
        for source in plan.sources {
            if !isFirst { try buffer.separator() }
            isFirst = false
            let field = fields[source]
            if field.length >= 0 {
                try buffer.value(bytes + Int(field.offset), count: Int(field.length))
            } else {
                guard mayLack || field.isNull else { throw RowEncoder.leftOut(source, plan, scope) }
                try buffer.null()
            }
        }
    }

    private func masks(_ row: RowReference, _ lacks: Bool) throws {
        let fields = rows.fields(of: row)
        for word in 0..<plan.maskWords {
            try buffer.separator()
            try buffer.number(lacks ? plan.maskWord(word, of: fields) : 0)
        }
    }

    private func origin(_ row: RowReference) throws {
        let fields = rows.fields(of: row)
        let bytes = rows.bytes(of: row)
        for source in plan.keySources {
            guard fields[source].length >= 0 else { throw RowEncoder.noKey(source, plan, scope) }
            try buffer.separator()
            try buffer.value(bytes + Int(fields[source].offset), count: Int(fields[source].length))
        }
    }

    private func noOrigin() throws {
        for _ in plan.keySources {
            try buffer.separator()
            try buffer.null()
        }
    }

    // MARK: - Faults

    /// An absent value must never become a null.
    static func leftOut(_ source: Int, _ plan: StorePlan, _ scope: ErrorScope) -> RunError {
        if plan.keySources.contains(source) { return noKey(source, plan, scope) }
        return scope.error(
            .internal,
            "a change has no value for the column \"\(plan.shape.columns[source].name)\", and nothing says that it was "
                + "left out")
    }

    static func noKey(_ source: Int, _ plan: StorePlan, _ scope: ErrorScope) -> RunError {
        scope.error(
            .needsOperator, "a change has no value for the key's column \"\(plan.shape.columns[source].name)\"",
            hint: "the table's replica identity must cover the collection's key")
    }
}

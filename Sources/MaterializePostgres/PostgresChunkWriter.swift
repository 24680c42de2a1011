import Connectors
import Glibc
import Postgres

/// Writes backfill chunks on a connection of its own: rows by COPY, changes on top, state and fence check, one transaction.
final class PostgresChunkWriter: ChunkWriter {
    private let session: RowSession
    private let tables: TableRegister
    private let statements: LinkStatements
    private let watch: LockWatch
    private var rows: ChunkRows?
    private var isCopying = false
    /// The chunk's plan, where its table holds rows from before.
    private var adopting: (plan: StorePlan, adoption: Adoption)?
    /// Rows that wait beside the table until `merge`; until the commit where `awaitsLog`.
    private var overlay: OverlayStatements?
    private(set) var awaitsLog = false

    init(session: RowSession, tables: TableRegister, statements: LinkStatements, watch: LockWatch) {
        self.watch = watch
        self.session = session
        self.tables = tables
        self.statements = statements
    }

    // MARK: - The chunk's rows

    func begin(
        _ binding: Int, shape: TableShape, position: LogPosition, firstSequence: Int64, isOverlay: Bool
    ) throws -> RowFormat {
        let table = try tables.attached(binding)
        let plan = try session.plan(for: shape, of: table)
        try session.begin()
        let isUpsert = table.binding.mode == .upsert
        // Rows that others refer to, and values that only the destination has, are changed where they are.
        let isFree = session.isReplica || !table.layout.table.isReferredTo
        let isBare = plan.own.isEmpty || !isOverlay && table.adoption == nil
        awaitsLog =
            isUpsert && !table.binding.isKeylessMirror && table.hasOtherUnique && isFree && isBare
        overlay = isUpsert && (isOverlay || awaitsLog) ? OverlayStatements(plan: plan) : nil
        if let overlay { try session.send(overlay.create, table.scope("copy rows")) }
        try session.drain()
        adopting = table.adoption.map { (plan, $0) }
        if adopting != nil, overlay == nil { try makeAside(plan, table) }
        let rows = ChunkRows(
            plan, session.copyBuffer, table.scope("copy rows"), position: position, firstSequence: firstSequence,
            target: overlay == nil ? plan.target : OverlayStatements.stage)
        rows.aside = adopting == nil || overlay != nil ? nil : aside(plan)
        session.watched?.doing = rows.scope
        try rows.scope.rethrowing { try session.connection.beginCopyIn(rows.copy) }
        isCopying = true
        try rows.scope.rethrowing { try rows.start() }
        self.rows = rows
        return rows.format
    }

    func write(_ row: UnsafeRawBufferPointer) throws {
        guard let rows else { throw PostgresChunkWriter.notBegun }
        do {
            try rows.write(row)
        } catch let error as PostgresError {
            throw rows.scope.error(error)
        }
    }

    func finishRows() throws {
        guard let rows else { throw PostgresChunkWriter.notBegun }
        session.watched?.doing = rows.scope
        try rows.scope.rethrowing {
            try rows.finish()
            isCopying = false
            try session.connection.endCopyIn()
        }
        self.rows = nil
        guard overlay == nil, let (plan, adoption) = adopting else { return }
        try session.send(plan.storeAside(aside(plan)), rows.scope)
        try session.send(plan.settle(adoption, by: aside(plan)), rows.scope)
        try session.drain()
    }

    /// Where the rows of a chunk wait that can't go into their table at once: other rows may have their keys.
    private func aside(_ plan: StorePlan) -> String { "flow_aside_\(plan.serial)" }

    private func makeAside(_ plan: StorePlan, _ table: BoundTable) throws {
        try session.send(plan.createAside(aside(plan)), table.scope("copy rows"))
        try session.drain()
    }

    func merge(_ binding: Int) throws {
        guard let overlay else { return }
        // What goes on top goes into the rows beside the table first: the commit puts all of them in its place.
        guard !awaitsLog, try !tables.attached(binding).binding.isKeylessMirror else { return }
        self.overlay = nil
        let scope = try tables.attached(binding).scope("replace rows")
        try session.send(overlay.merge, scope)
        if let (plan, adoption) = adopting {
            try session.send(plan.settle(adoption, by: OverlayStatements.stage.name.name), scope)
        }
    }

    func keys(of binding: Int, after key: [String]?, limit: Int) throws -> [[String]] {
        let table = try tables.attached(binding)
        let columns = table.binding.key.compactMap { table.layout.table.column($0) }
        let names = columns.map { Identifier($0.name).quoted }.joined(separator: ", ")
        var conditions: [String] = []
        if let key {
            let place = KeyPlace(
                zip(columns, key).map {
                    .init(Identifier($0.name).quoted, "\(SQL.literal($1))::\($0.type)", $0.operators)
                })
            conditions.append(place.isAbove)
        }
        if table.binding.deletes == .soft { conditions.append("\(RowStatements.operation) IS DISTINCT FROM 'd'") }
        let condition = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        let shown = columns.enumerated().map {
            "\(Identifier($1.name).quoted)::text AS \(Identifier("key \($0)").quoted)"
        }
        let rows = try table.scope("read the keys of").rethrowing {
            try session.connection.query(
                """
                SELECT \(raw: shown.joined(separator: ", ")) FROM \(table.name) \(raw: condition)
                 ORDER BY \(raw: names) LIMIT \(raw: String(limit))
                """)
        }
        return (0..<rows.count).map { row in columns.indices.map { rows[row, $0] ?? "" } }
    }

    private static var notBegun: RunError {
        RunError(.internal, operation: "copy rows", message: "no chunk was begun")
    }

    // MARK: - What goes on top

    func store(_ changes: ContiguousArray<NetChange>, binding: Int, shape: TableShape, rows: RowPool) throws {
        let table = try tables.attached(binding)
        if overlay != nil, table.binding.isKeylessMirror {
            return try session.storeKeyless(changes, table, shape: shape, rows: rows, isAside: true)
        }
        if overlay != nil, awaitsLog { return try session.storeBeside(changes, table, shape: shape, rows: rows) }
        try session.store(changes, table, shape: shape, rows: rows)
    }

    func append(_ changes: ContiguousArray<LoggedChange>, binding: Int, shape: TableShape, rows: RowPool) throws {
        try session.append(changes, try tables.attached(binding), shape: shape, rows: rows)
    }

    func truncate(_ bindings: [Int]) throws {
        try session.truncate(try bindings.map { try tables.attached($0) })
    }

    func commit(_ binding: Int, state: BindingCheckpoint, isLast: Bool, signals: [SignalRecord]) throws {
        let table = try tables.attached(binding)
        let scope = table.scope("commit a chunk of")
        try session.begin()
        if let overlay, awaitsLog {
            (self.overlay, awaitsLog) = (nil, false)
            try session.bring(overlay, into: table, adopting?.adoption)
        }
        if let overlay, table.binding.isKeylessMirror {
            self.overlay = nil
            try session.replaceKeyless(table, overlay.plan)
        }
        let makesKey = !table.hasKey && (isLast || table.isKeyWanted)
        if makesKey { try makeKey(table) }
        let ends = isLast ? table.adoption : nil
        if let ends { try session.end(ends, of: table) }
        try session.send(
            statements.state(state, of: table.binding), scope,
            fault: { scope.error(.needsOperator, "its row in flow.bindings is gone") })
        for record in signals { try session.send(statements.signal(record), scope) }
        if signals.contains(where: \.state.isFinal) { try session.send(statements.forgettingSignals, scope) }
        let link = statements.link
        try session.send(statements.holdFence, scope, fault: { Fenced.error(link) })
        try session.commit(scope)
        if makesKey { table.hasKey = true }
        if makesKey, table.binding.isKeylessMirror {
            table.layout.table.contentIndex = creation(table).contentIndex(of: table.layout.table)
        }
        if ends != nil { table.adoption = nil }
    }

    private func makeKey(_ table: BoundTable) throws {
        let scope = table.scope("make the key of")
        try session.drain()
        session.watched?.doing = scope
        let statements = try scope.rethrowing { try creation(table).statements(for: table.layout.table) }
        for statement in statements { try session.send("\(raw: statement)", scope) }
    }

    private func creation(_ table: BoundTable) -> KeyCreation {
        KeyCreation(
            connection: session.connection,
            definition: TableDefinition(binding: table.binding, shape: table.layout.shape))
    }

    func abandon() {
        rows = nil
        overlay = nil
        awaitsLog = false
        adopting = nil
        session.copyBuffer.discard()
        if isCopying { session.connection.failCopyIn("the chunk was given up") }
        isCopying = false
        session.rollback()
    }

    func close() {
        if let watched = session.watched { watch.remove(watched) }
        session.connection.close()
    }
}

/// The rows of one chunk on their way from the source's COPY to the destination's.
final class ChunkRows {
    let format: RowFormat
    let scope: ErrorScope
    private let plan: StorePlan
    private let buffer: CopyBuffer
    private let delta: DeltaEncoder?
    private let position: LogPosition
    private var sequence: Int64
    private let time: Int64
    /// The table of the session that takes the rows instead of the target.
    var aside: String?
    private let picksFields: Bool
    private let target: QualifiedName

    init(
        _ plan: StorePlan, _ buffer: CopyBuffer, _ scope: ErrorScope, position: LogPosition, firstSequence: Int64,
        target: QualifiedName
    ) {
        self.target = target
        self.plan = plan
        self.buffer = buffer
        self.scope = scope
        self.position = position
        sequence = firstSequence
        format = plan.isBinarySafe ? .binary : .text
        delta = plan.binding.mode == .insert ? DeltaEncoder(plan, buffer) : nil
        picksFields = plan.columns.count < plan.shape.columns.count
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        time = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// Columns that rows don't name get their defaults: the operation of a row that was read.
    var copy: SQL {
        if plan.binding.mode == .insert { return DeltaStatements(plan: plan).copy }
        let options = format == .binary ? " (FORMAT binary)" : ""
        let target = aside.map { QualifiedName("pg_temp", $0) } ?? target
        return "COPY \(target) (\(raw: plan.columnList)) FROM STDIN\(raw: options)"
    }

    /// The header of a binary COPY (manual, "COPY", "Binary Format"): signature, flags, extension.
    func start() throws {
        guard format == .binary else { return }
        try buffer.raw("PGCOPY\n")
        for byte: UInt8 in [0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0] { try buffer.byte(byte) }
    }

    /// A line with its newline, or a binary tuple.
    func write(_ row: UnsafeRawBufferPointer) throws {
        guard format == .text else {
            try buffer.raw(row)
            return try buffer.endPiece()
        }
        let line = UnsafeRawBufferPointer(rebasing: row.dropLast(row.last == UInt8(ascii: "\n") ? 1 : 0))
        if picksFields { try pick(line) } else { try buffer.raw(line) }
        if let delta {
            try delta.metadata(.read, position: position, sequence: sequence, time: time)
            try buffer.null()
            try buffer.separator()
            try buffer.null()
            sequence += 1
        }
        try buffer.endRow()
    }

    /// Passes on the fields that the destination has. A tab within a value is escaped, so each one here ends a field.
    private func pick(_ line: UnsafeRawBufferPointer) throws {
        var field = 0
        var start = 0
        var next = 0
        var end = 0
        while end <= line.count, next < plan.sources.count {
            if end == line.count || line[end] == UInt8(ascii: "\t") {
                if field == plan.sources[next] {
                    if next > 0 { try buffer.separator() }
                    try buffer.raw(UnsafeRawBufferPointer(rebasing: line[start..<end]))
                    next += 1
                }
                field += 1
                start = end + 1
            }
            end += 1
        }
    }

    func finish() throws {
        if format == .binary {
            try buffer.byte(0xFF)
            try buffer.byte(0xFF)
        }
        try buffer.flush()
    }
}

import Connectors
import JSON
import Postgres

/// The backfills of one link. See `BackfillFilter` for the rules, and `ChunkReading` for the reader's side of them.
final class PostgresBackfills: LinkBackfills {
    var tables: [TableBackfill]
    var delivered: DeliveredTransactions
    var queue: SignalQueue
    let signals: SignalTables
    /// What a signal has to fail with for tables that the link goes on without.
    let disabled: [SnapshotSignal.Item]
    /// What users should hear of signals.
    var signalRemarks: [String] = []
    private var identity: LogIdentity
    /// The transaction before `identity.last`, and whether that was kept.
    private var before: (last: LoggedTransaction?, isKept: Bool) = (nil, true)
    /// The capture's.
    private let name: String
    /// For questions to the server: made when the first comes.
    private let connect: () throws -> Connection
    private let isReadOnly: Bool
    private var side: Connection?
    /// By binding: dropped columns that a value was wanted of.
    private var goneColumns: [Int: Set<Identifier>] = [:]
    private var remarks: [(binding: Int, message: String)]

    init(
        name: String, tables: [TableBackfill], delivered: DeliveredTransactions, identity: LogIdentity,
        isReadOnly: Bool, queue: SignalQueue, signals: SignalTables, disabled: [SnapshotSignal.Item],
        connect: @escaping () throws -> Connection
    ) {
        self.queue = queue
        self.signals = signals
        self.disabled = disabled
        self.name = name
        self.tables = tables
        self.delivered = delivered
        self.identity = identity
        self.connect = connect
        self.isReadOnly = isReadOnly
        remarks = tables.enumerated().flatMap { index, table in
            table.table.generated.remarks(table.binding).map { (index, $0) }
        }
        for index in tables.indices where phase(of: index) == .over { remarks.append((index, Self.overRemark)) }
        resumeSignals()
    }

    var isComplete: Bool { tables.allSatisfy { !$0.isReading } }

    func isReading(_ binding: Int) -> Bool { tables[binding].isReading }

    func waitForLog(_ binding: Int, until position: LogPosition) {
        tables[binding].blockedUntil = max(tables[binding].blockedUntil, position)
        tables[binding].state.goOnWithLog(isLog: tables[binding].isLog)
    }

    var isAtRest: Bool { !queue.isWaiting && tables.allSatisfy { !$0.isReading || $0.isPaused } }

    var holdsLog: Bool { tables.contains(where: \.holdsLog) }

    var awaitedPosition: LogPosition {
        var awaited = LogPosition.zero
        for table in tables {
            awaited = max(awaited, table.blockedUntil)
            for range in table.state.filter.ranges { awaited = max(awaited, range.until) }
        }
        return awaited
    }

    func began(_ transaction: UInt32, at position: LogPosition, time: Int64) {
        if identity.last.map({ $0.position < position }) ?? true {
            before = (identity.last, identity.keepsLast)
            identity.last = LoggedTransaction(position: position, id: transaction, time: time)
            identity.keepsLast = true
        }
        if !isComplete { delivered.append(transaction) }
    }

    // MARK: - Windows

    private static let overRemark = "its notAfter has passed: nothing more is written to it"
    private static let passedOverRemark =
        "the source's clock is outside of its notBefore and notAfter: rows that were not read until now are left out"

    func passed(time: Int64) -> [Int] {
        tables.indices.filter { index in
            let filter = tables[index].state.filter
            let hasRows = filter.isCopied || filter.frontier != nil
            guard tables[index].state.window?.passed(time, hasRows: hasRows) == true else { return false }
            if phase(of: index) == .over { remarks.append((index, Self.overRemark)) }
            return true
        }
    }

    func phase(of binding: Int) -> TimeWindow.Phase { tables[binding].state.window?.phase ?? .open }

    func lacksRows(_ binding: Int) -> Bool { tables[binding].lacksRows }

    func doubt(_ binding: Int, until position: LogPosition) {
        tables[binding].state.doubtedUntil = max(tables[binding].state.doubtedUntil, position)
    }

    func readFrom(_ binding: Int) -> LogPosition { tables[binding].state.readFrom }

    func flushLog() throws {
        let isReadOnly = isReadOnly
        _ = try ask("wait for the log") { try LogFlush(connection: $0, isReadOnly: isReadOnly).waitForNow() }
    }

    func isInDoubt(_ binding: Int) -> Bool { tables[binding].inDoubtUntil != .zero }

    func passed(_ position: LogPosition) -> [Int] {
        for index in tables.indices where tables[index].inDoubtUntil <= position { tables[index].inDoubtUntil = .zero }
        for index in tables.indices where tables[index].state.readFrom <= position {
            tables[index].state.readFrom = .zero
        }
        for index in tables.indices where tables[index].blockedUntil <= position { tables[index].blockedUntil = .zero }
        return tables.indices.filter { tables[$0].state.filter.pass(position) }
    }

    func isFiltering(_ binding: Int) -> Bool { tables[binding].isFiltering }

    func isLive(_ binding: Int) -> Bool { tables[binding].state.isLive }

    func admission(_ binding: Int, row: Int32, in batch: ChangeBatch, transaction: UInt32) throws -> Admission {
        try tables[binding].admission(row: row, in: batch, transaction: transaction)
    }

    func truncated(_ binding: Int, transaction: UInt32) -> Bool {
        let state = tables[binding].state
        // What the log lacks up to the place of the record is left to the chunks.
        if !state.filter.isCopied, let place = state.record?.place, let now = identity.last?.position, now < place {
            if state.sweep != nil { tables[binding].state.sweep = KeySweep() }
            return tables[binding].state.filter.readAfterTruncate(by: transaction)
        }
        // What was read after the truncate stands; rows that the destination alone has are still to be looked for.
        guard tables[binding].state.filter.truncate(by: transaction) else { return false }
        tables[binding].state.sweep = nil
        return true
    }

    func state(of binding: Int) -> BindingCheckpoint { tables[binding].current }

    /// A new session takes the order from the catalog, whose column has the wider type by now.
    private func requireOrder(_ binding: Int, _ shape: TableShape) throws {
        guard tables[binding].isFiltering || tables[binding].isReading,
            let column = tables[binding].order.outgrown(by: shape)
        else { return }
        throw RunError(
            .transient, operation: "go on reading", object: "table \(tables[binding].table.name)",
            message: "its key's column \"\(column)\" has another type now, and its values are compared otherwise",
            binding: tables[binding].binding.index)
    }

    func evolved(_ binding: Int, to shape: TableShape) throws {
        try requireOrder(binding, shape)
        guard let seen = tables[binding].state.seen else { return }
        let last = shape.columns.compactMap(\.attribute).max() ?? 0
        tables[binding].state.seen = (seen.files, max(seen.lastColumn, last))
    }

    func follows(_ binding: Int, _ shape: TableShape) throws -> Bool {
        let before = tables[binding].order
        let lost = before.columns.first { column in
            guard let index = shape.index(of: column.name) else { return true }
            return KeyOrder.orderedType(shape.columns[index].type) != KeyOrder.orderedType(column.type)
        }
        if before.isByColumn, tables[binding].state.filter.isFiltering, let lost {
            let spec = tables[binding].binding
            throw RunError(
                .needsOperator, operation: "go on reading", object: "table \(tables[binding].table.name)",
                message:
                    "it is being read by the values of its column \"\(lost.name)\", which is gone or has another "
                    + "name or type now",
                hint: "have it read from its beginning: raise `backfill` of the table's binding to "
                    + "\(spec.rebuildCounter + 1) in the materialization, and apply with --allow-destructive",
                binding: spec.index)
        }
        try requireOrder(binding, shape)
        tables[binding].order = before.placed(in: shape)
        return before.columns.map(\.index) != tables[binding].order.columns.map(\.index)
    }

    func takeSignalRemarks() -> [String] {
        defer { signalRemarks = [] }
        return signalRemarks
    }

    func takeRemarks() -> [(binding: Int, message: String)] {
        defer { remarks = [] }
        return remarks
    }

    func noted(_ binding: Int, _ note: String) {
        if let generated = GeneratedColumns(note: note) {
            remarks += generated.remarks(tables[binding].binding).map { (binding, $0) }
            return
        }
        var record = tables[binding].state.record ?? StorageRecord()
        record.take(note)
        tables[binding].state.record = record
    }

    // MARK: - Chunks

    func openChunk(at position: LogPosition, excluding: Set<Int>) -> Chunk? {
        // What waits for the log is not begun while the log waits: it would keep a reader.
        let isHeld = holdsLog
        let open = tables.indices.filter { index in
            tables[index].isReading && !tables[index].isPaused && (!isHeld || tables[index].holdsLog)
        }
        // Tables of a higher priority are read to their end before others are begun.
        let highest = open.lazy.map { self.tables[$0].priority }.max()
        let candidate = open.first { index in
            tables[index].priority == highest && !tables[index].isInFlight && !tables[index].awaitsRanges
                && !excluding.contains(index) && tables[index].blockedUntil == .zero
        }
        guard let index = candidate else { return nil }
        tables[index].isInFlight = true
        if !tables[index].state.filter.isCopied { tables[index].state.filter.chunk = BackfillFilter.Flight() }
        return TableChunk(
            binding: index, position: position, of: tables[index], demand: delivered.demand, mark: delivered.mark)
    }

    func canShrink(_ binding: Int) -> Bool {
        let (order, size) = (tables[binding].order, tables[binding].size)
        return !order.isKeyless && size.canShrink && size.rows > order.leastRows
    }

    func bound(_ chunk: Chunk) {
        guard let chunk = chunk as? TableChunk, let snapshot = chunk.snapshot else { return }
        if chunk.kind != .sweep, !chunk.isPassedOver {
            tables[chunk.binding].state.filter.chunk = BackfillFilter.Flight(
                snapshot: snapshot, upper: chunk.isLast ? nil : chunk.upper)
        }
        delivered.forget(before: chunk.mark)
    }

    func stateIncluding(_ chunk: Chunk) -> BindingCheckpoint {
        var copy = tables[chunk.binding]
        PostgresBackfills.add(chunk, to: &copy)
        return copy.current
    }

    func finished(_ chunk: Chunk) {
        guard let chunk = chunk as? TableChunk else { return }
        if let snapshot = progress(of: chunk.binding, with: chunk) { queue.note(snapshot) }
        PostgresBackfills.add(chunk, to: &tables[chunk.binding])
        tables[chunk.binding].isInFlight = false
        if chunk.isPassedOver, !chunk.isLate { remarks.append((chunk.binding, Self.passedOverRemark)) }
        guard chunk.kind != .sweep else { return }
        tables[chunk.binding].size.read(rows: chunk.rows, bytes: chunk.bytes, milliseconds: chunk.milliseconds)
    }

    func abandoned(_ chunk: Chunk) {
        tables[chunk.binding].isInFlight = false
        tables[chunk.binding].state.filter.chunk = nil
        tables[chunk.binding].size.gaveUp()
        if let chunk = chunk as? TableChunk, chunk.foundOtherFile {
            tables[chunk.binding].blockedUntil = chunk.until
            tables[chunk.binding].state.fileNode = chunk.foundFileNode
            tables[chunk.binding].state.goOnWithLog(isLog: tables[chunk.binding].isLog)
        }
        if let chunk = chunk as? TableChunk, let reason = chunk.failure { fail(chunk, because: reason) }
    }

    static func add(_ chunk: Chunk, to backfill: inout TableBackfill) {
        guard let chunk = chunk as? TableChunk else { return }
        if chunk.isPassedOver {
            backfill.state.filter.passOver()
            backfill.state.sweep = nil
            backfill.state.window?.lacksRows = true
            return
        }
        if chunk.kind == .sweep {
            backfill.state.sweep = chunk.isLast ? nil : KeySweep(after: chunk.lastKey)
            return
        }
        guard let range = chunk.range else { return }
        backfill.state.filter.add(range)
        if chunk.kind == .overlay { backfill.state.window?.opened() }
        backfill.state.fileNode = chunk.foundFileNode
        backfill.checkpoint.rows += chunk.rows
        backfill.checkpoint.bytes += chunk.bytes
    }

    // MARK: - Questions to the server

    func absentRows(of chunk: Chunk, touched: [[String]], shape: TableShape) throws -> ChangeBatch? {
        guard let chunk = chunk as? TableChunk, !chunk.absent.isEmpty else { return nil }
        var absent = chunk.absent
        if !touched.isEmpty {
            absent = try ask("compare keys") {
                try KeyPresence(table: chunk.table.rows, columns: chunk.key, connection: $0).without(
                    touched, of: absent)
            }
        }
        guard !absent.isEmpty else { return nil }
        let rows = ChangeBatch()
        for key in absent {
            var event = ChangeEvent(.delete)
            event.shape = rows.index(of: shape)
            event.oldRow = rows.nextField
            event.oldRowIsKey = true
            for column in shape.columns {
                guard let place = chunk.key.firstIndex(where: { $0.name.isSameName(as: column.name) }) else {
                    rows.appendNull()
                    continue
                }
                rows.appendText(key[place])
            }
            rows.append(event)
        }
        return rows
    }

    func adopt(_ batch: ChangeBatch) throws {
        for index in tables.indices where tables[index].order.needsServer && tables[index].isFiltering {
            let bounds = tables[index].state.filter.bounds
            tables[index].adoptedBounds = bounds
            tables[index].atMost.removeAll(keepingCapacity: true)
            guard !bounds.isEmpty else { continue }
            var rows: [Int32] = []
            for event in batch.events.elements where event.shape >= 0 {
                guard batch.shapes[Int(event.shape)].table == tables[index].table.index else { continue }
                if event.newRow >= 0 { rows.append(event.newRow) }
                if event.oldRow >= 0 { rows.append(event.oldRow) }
            }
            tables[index].atMost = try compare(rows, in: batch, with: bounds, tables[index].order)
        }
    }

    func belongs(_ binding: Int, row: Int32, in held: ChangeBatch, transaction: UInt32) throws -> Bool {
        if tables[binding].order.needsServer {
            let bounds = tables[binding].state.filter.bounds
            tables[binding].adoptedBounds = bounds
            tables[binding].atMost = try compare([row], in: held, with: bounds, tables[binding].order)
        }
        return try tables[binding].admission(row: row, in: held, transaction: transaction) == .hold
    }

    private func compare(
        _ rows: [Int32], in batch: ChangeBatch, with bounds: [KeyBound], _ order: KeyOrder
    ) throws -> [Int32: [Bool]] {
        guard !rows.isEmpty, !bounds.isEmpty else { return [:] }
        return try ask("compare keys") { try KeyComparison.run(rows, in: batch, with: bounds, order, on: $0) }
    }

    func fetchUnchanged(
        _ binding: Int, row: Int32, in batch: ChangeBatch, shape: TableShape, transaction: UInt32
    ) throws -> FoundRow {
        let limit = tables[binding].state.window?.window.notAfter.map {
            UnchangedFetch.Limit(notAfter: $0, transaction: transaction)
        }
        do {
            let table = tables[binding]
            let fetch = UnchangedFetch(
                table: table.table, shape: shape, key: table.key, order: table.order, limit: limit,
                isReadOnly: isReadOnly)
            let (found, gone) = try ask("fetch a row") { try fetch.run(row, in: batch, on: $0) }
            for column in gone where goneColumns[binding, default: []].insert(Identifier(column)).inserted {
                remarks.append(
                    (
                        binding,
                        "rows have no value in \"\(column)\": updates left it out, the destination lacks it, and the "
                            + "source has dropped the column"
                    ))
            }
            return found
        } catch var error as RunError where error.task == nil && error.kind == .needsOperator {
            error.binding = tables[binding].binding.index
            throw error
        }
    }

    func captureState(at position: LogPosition) throws -> String {
        if delivered.count > 256 {
            let rows = try ask("ask for a snapshot") { try $0.query("SELECT pg_current_snapshot()::text") }
            if let snapshot = rows[0, 0].flatMap(Snapshot.init) { delivered.prune(seenBy: snapshot) }
        }
        var state = identity
        if let last = state.last, last.position >= position { (state.last, state.keepsLast) = before }
        state.base = isComplete ? nil : delivered.base
        state.pending = isComplete ? [] : delivered.pending
        return state.text
    }

    func ask<Answer>(_ operation: String, _ question: (Connection) throws -> Answer) throws -> Answer {
        do {
            let connection = try side ?? connect()
            side = connection
            return try question(connection)
        } catch let error as PostgresError {
            throw error.asRunError(operation: operation, object: "capture \"\(name)\"", task: name)
        }
    }
}

import Connectors
import Glibc
import Postgres

/// Reads chunks of tables, each in a REPEATABLE READ transaction of its own, straight into the writer.
///
/// For every chunk:
/// 1. The table is locked against DDL (ACCESS SHARE), then the snapshot is taken. It counts only if it sees every transaction
///    that the stream had shown as the chunk was opened; else another is taken.
/// 2. The table must be the file it was (a truncate that the stream has not shown yet would be copied over), and have the
///    shape that the destination has. Another one is taken up once the stream has passed this place: rows of the older one are
///    before it.
/// 3. The upper bound is looked up first, so that the link holds changes of this range only.
/// 4. The rows are read in the order of the key. After the last, the source's position is noted: until the stream has
///    passed it, changes that the chunk contains can still arrive.
/// 5. What the snapshot sees must be on the source's disk (`LogFlush`) before the chunk counts; or the log must have shown a
///    mark that is set behind the rows (`Watermark`).
final class ChunkReading: ChunkReader {
    private let capture: String
    private let connection: Connection
    private let stop: StopSignal
    private let isReadOnly: Bool
    private let watermark: Watermark?
    /// Nil on a primary, whose snapshots say all themselves.
    private var standby: StandbySnapshot?
    /// Behind the end of every transaction that the open snapshot sees as over.
    private var snapshotPosition = LogPosition.zero

    init(
        capture: String, connection: Connection, stop: StopSignal, isStandby: Bool, isReadOnly: Bool,
        watermark: Watermark?
    ) {
        self.capture = capture
        self.connection = connection
        self.stop = stop
        self.isReadOnly = isReadOnly
        self.watermark = watermark
        standby = isStandby ? StandbySnapshot(connection: connection) : nil
    }

    func close() {
        connection.close()
    }

    func read(
        _ chunk: Chunk, shape: TableShape, into writer: any ChunkWriter, bounded: () -> Void, isAbandoned: () -> Bool
    ) throws -> ChunkResult {
        guard let chunk = chunk as? TableChunk else { return .abandoned }
        do {
            let result = try readRows(of: chunk, shape, writer, bounded, isAbandoned)
            if case .complete = result { return result }
            try? connection.execute("ROLLBACK")
            return result
        } catch let error as PostgresError where chunk.isSignalled && ChunkReading.isOfQuery(error) {
            try? connection.execute("ROLLBACK")
            chunk.failure = error.message
            return .abandoned
        } catch let error as PostgresError {
            throw error.asRunError(operation: "read a chunk", object: "table \(chunk.table.name)", task: capture)
        }
    }

    /// Whether the statement is what failed, or what it found in the rows, and it would fail again: classes 22 (data), 42 (syntax,
    /// rights), 2F, 38, 39 and P0 (functions).
    private static func isOfQuery(_ error: PostgresError) -> Bool {
        guard let state = error.sqlState else { return false }
        return ["22", "2F", "38", "39", "42", "P0"].contains(String(state.prefix(2)))
    }

    private func readRows(
        of chunk: TableChunk, _ shape: TableShape, _ writer: any ChunkWriter, _ bounded: () -> Void,
        _ isAbandoned: () -> Bool
    ) throws -> ChunkResult {
        let began = now()
        guard let snapshot = try openSnapshot(for: chunk, isAbandoned) else { return .abandoned }
        chunk.snapshot = snapshot
        if let window = chunk.window {
            // After the snapshot: what it sees was committed by then.
            chunk.isPassedOver = try chunk.isLate || window.phase(at: SourceClock.now(connection)) != .open
            if chunk.isPassedOver { return try passOver(chunk, shape, writer, bounded) }
        }
        if chunk.kind == .sweep { return try sweep(chunk, with: writer, bounded) }
        guard try isSameFile(chunk) else { return .abandoned }
        _ = try RowSecurity.guarded([chunk.table], connection)
        let found = try TableCatalog(connection: connection).shape(of: chunk.table)
        guard found.isSame(as: shape) else {
            try TableWatch.requireKnownPast(found.columns, of: chunk.table, connection)
            // While the lock keeps the shape from changing once more.
            chunk.awaited = try sourcePosition()
            return .reshaped(found)
        }

        try requireSameOrder(chunk, shape)
        try lookUpBound(of: chunk)
        bounded()
        let format = try writer.begin(
            chunk.binding, shape: shape, position: chunk.position.justBefore, firstSequence: chunk.firstSequence,
            isOverlay: chunk.kind == .overlay)
        guard try copyRows(of: chunk, shape, format, into: writer, isAbandoned) else { return .abandoned }
        try writer.finishRows()
        chunk.until = try sourcePosition()
        if chunk.kind == .overlay || writer.awaitsLog, !chunk.isBlocking { chunk.awaited = chunk.until }
        try connection.execute("COMMIT")
        if let watermark, !chunk.isBlocking { chunk.awaited = try watermark.raise(on: connection) }
        // No lock keeps labels of an enum from being exchanged meanwhile, and the transaction's snapshot wouldn't show it.
        if chunk.order.sorting.contains(where: { $0.count > 1 }) { try requireSameOrder(chunk, shape) }
        // The stream shows what is on disk only: what awaits it needs no other proof, nor does what a standby has replayed.
        if chunk.awaited == .zero, standby == nil {
            let flush = LogFlush(
                connection: connection, isReadOnly: isReadOnly, isStopped: { self.stop.isRequested })
            try flush.wait(for: snapshotPosition)
        }
        chunk.milliseconds = now() - began
        return .complete
    }

    /// Looks which of the destination's next keys the source does not have.
    private func sweep(
        _ chunk: TableChunk, with writer: any ChunkWriter, _ bounded: () -> Void
    ) throws -> ChunkResult {
        _ = try RowSecurity.guarded([chunk.table], connection)
        bounded()
        let keys = try writer.keys(of: chunk.binding, after: chunk.sweep.after, limit: chunk.keyLimit)
        chunk.isLast = keys.count < chunk.keyLimit
        chunk.lastKey = keys.last
        chunk.absent = try KeyPresence(table: chunk.table.rows, columns: chunk.key, connection: connection)
            .absent(of: keys)
        if !chunk.absent.isEmpty { chunk.awaited = try sourcePosition() }
        try connection.execute("COMMIT")
        return .complete
    }

    /// Ends the reading of a table outside of its window, without a row.
    private func passOver(
        _ chunk: TableChunk, _ shape: TableShape, _ writer: any ChunkWriter, _ bounded: () -> Void
    ) throws -> ChunkResult {
        chunk.isLast = true
        bounded()
        if chunk.kind != .sweep {
            _ = try writer.begin(
                chunk.binding, shape: shape, position: chunk.position.justBefore, firstSequence: chunk.firstSequence,
                isOverlay: chunk.kind == .overlay)
            try writer.finishRows()
        }
        try connection.execute("COMMIT")
        return .complete
    }

    // MARK: - 1. The snapshot

    private func openSnapshot(for chunk: TableChunk, _ isAbandoned: () -> Bool) throws -> Snapshot? {
        while !isAbandoned(), !stop.isRequested {
            if let snapshot = try beginTransaction(chunk.table.name), chunk.demand.isMet(by: snapshot) {
                return snapshot
            }
            try connection.execute("ROLLBACK")
            var pause = timespec(tv_sec: 0, tv_nsec: 5_000_000)
            nanosleep(&pause, nil)
        }
        return nil
    }

    /// Nil for a moment whose snapshot can't be told exactly.
    private func beginTransaction(_ table: QualifiedName) throws -> Snapshot? {
        if standby != nil { return try standby?.begin(locking: table) }
        try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try connection.execute("LOCK TABLE ONLY \(table) IN ACCESS SHARE MODE")
        let rows = try connection.query("SELECT pg_current_snapshot()::text, pg_current_wal_insert_lsn()")
        snapshotPosition = WALPage.endOfLastRecord(rows[0, 1].flatMap { LogPosition($0) } ?? .zero)
        return rows[0, 0].flatMap(Snapshot.init)
    }

    // MARK: - 2. The same file

    /// Whether the table was not truncated or rewritten since its last chunk; else the stream must show it first.
    private func isSameFile(_ chunk: TableChunk) throws -> Bool {
        guard !chunk.table.isPartitioned else { return true }
        let rows = try connection.query("SELECT pg_relation_filenode(\(literal: String(chunk.table.oid))::oid)")
        chunk.foundFileNode = rows[0, 0].flatMap { UInt32($0) }
        guard chunk.foundOtherFile else { return true }
        // The link opens the next chunk once the stream has passed this place: a truncate was shown by then, and there is
        // nothing left to read; or it was a rewrite that changed no row, and reading goes on.
        chunk.until = try sourcePosition()
        return false
    }

    // MARK: - 3. The upper bound

    /// Throws where the key sorts otherwise than it did for the chunks before: their last key is at another place now. (For the
    /// first there is nothing to find yet: the session only begins anew.) The lock that is held keeps others from giving the key
    /// another collation. The error ends the session only; the next one says what to do for each destination.
    private func requireSameOrder(_ chunk: TableChunk, _ shape: TableShape) throws {
        guard !chunk.order.isKeyless else { return }
        let now = try TableCatalog(connection: connection).order(of: chunk.table, by: chunk.order.names, shape: shape)
        guard now.keepsPlaces(of: chunk.order.sorting) else {
            throw KeyOrder.moved(chunk.table, began: chunk.order.names)
        }
    }

    private func lookUpBound(of chunk: TableChunk) throws {
        guard !chunk.order.isKeyless else {
            chunk.isLast = true
            return
        }
        let rows = try connection.query(
            """
            SELECT \(raw: chunk.selectKey) FROM \(chunk.table.rows) \(raw: chunk.lowerCondition)
             ORDER BY \(raw: chunk.orderBy) OFFSET \(raw: String(chunk.rowLimit - 1)) LIMIT 1
            """)
        // Beyond a NULL there are only others.
        guard rows.count == 1, chunk.order.columns.indices.allSatisfy({ rows[0, $0] != nil }) else {
            chunk.isLast = true
            return
        }
        chunk.upper = KeyBound(chunk.order.columns.indices.map { rows[0, $0] ?? "" })
    }

    // MARK: - 4. The rows

    private func copyRows(
        of chunk: TableChunk, _ shape: TableShape, _ format: RowFormat, into writer: any ChunkWriter,
        _ isAbandoned: () -> Bool
    ) throws -> Bool {
        let columns = shape.columns.map { Identifier($0.name).quoted }.joined(separator: ", ")
        let options: SQL = format == .binary ? " WITH (FORMAT binary)" : ""
        let source: SQL = "SELECT \(raw: columns) FROM \(chunk.table.rows) \(raw: chunk.condition)"
        let order: SQL = chunk.order.isKeyless || !chunk.order.isIndexed ? "" : " ORDER BY \(raw: chunk.orderBy)"
        var rows: Int64 = 0
        var bytes: Int64 = 0
        var isFirst = true
        var failure: (any Error)?
        let isWhole = try connection.copyOut("COPY (\(source)\(order)) TO STDOUT\(options)") { message in
            var row = message
            if format == .binary {
                if isFirst {
                    row = BinaryCopy.withoutHeader(row)
                    isFirst = false
                }
                if BinaryCopy.isTrailer(row) { return true }
            }
            do {
                try writer.write(row)
            } catch {
                failure = error
                return false
            }
            rows += 1
            bytes += Int64(row.count)
            return rows & 1023 != 0 || !(isAbandoned() || stop.isRequested)
        }
        if let failure { throw failure }
        chunk.rows = rows
        chunk.bytes = bytes
        return isWhole
    }

    /// Behind everything that the snapshot contains.
    private func sourcePosition() throws -> LogPosition {
        try SourcePosition(connection: connection, isStandby: standby != nil).behindAllSeen()
    }

    private func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}

/// The frame around binary COPY tuples (manual, COPY, "Binary Format").
enum BinaryCopy {
    /// What follows the signature, the flags and the header extension.
    static func withoutHeader(_ message: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let fixed = 19
        guard message.count >= fixed else { return message }
        var length: UInt32 = 0
        for index in 15..<19 { length = length << 8 | UInt32(message[index]) }
        let start = fixed + Int(length)
        guard message.count >= start else { return message }
        return UnsafeRawBufferPointer(rebasing: message[start...])
    }

    /// A field count of -1, or nothing (a header alone).
    static func isTrailer(_ row: UnsafeRawBufferPointer) -> Bool {
        row.count < 2 || (row.count == 2 && row[0] == 0xFF && row[1] == 0xFF)
    }
}

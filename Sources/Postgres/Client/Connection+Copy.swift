import CLibPQ
import Glibc

/// COPY (manual, "Functions Associated with the COPY Command").
extension Connection {
    /// Runs `COPY … TO STDOUT` and hands each row's bytes over, valid during the call; a false return ends it early.
    /// Returns whether every row was handed over. After an early end the transaction is aborted.
    public func copyOut(_ sql: SQL, _ row: (UnsafeRawBufferPointer) -> Bool) throws -> Bool {
        let handle = try usable()
        let operation = Connection.operation(sql)
        try beginCopy(sql, PGRES_COPY_OUT)
        var isStopped = false
        var buffer: UnsafeMutablePointer<CChar>?
        while true {
            let length = PQgetCopyData(handle, &buffer, 0)
            // The end, or a failure: which of the two, the results say.
            guard length > 0, let bytes = buffer else { break }
            if !isStopped, !row(UnsafeRawBufferPointer(start: bytes, count: Int(length))) {
                isStopped = true
                cancel()
            }
            PQfreemem(bytes)
        }
        do {
            try drainResults(operation)
        } catch let error as PostgresError where isStopped && error.sqlState == "57014" {
            return false
        }
        return !isStopped
    }

    /// Begins `COPY … FROM STDIN`.
    public func beginCopyIn(_ sql: SQL) throws {
        try beginCopy(sql, PGRES_COPY_IN)
    }

    /// Sends bytes of the copy: any piece of it, rows need not be whole. Waits while the server takes no more.
    ///
    /// Throws the server's own error if it has given the copy up meanwhile; `failCopyIn` is then not needed.
    public func putCopyData(_ bytes: UnsafeRawBufferPointer) throws {
        let handle = try usable()
        clock.start()
        defer { clock.end() }
        var start = 0
        while start < bytes.count {
            // In pieces, so that libpq's buffer, which holds a whole one, stays small.
            let count = min(bytes.count - start, 256 << 10)
            let piece = bytes.baseAddress.map { ($0 + start).assumingMemoryBound(to: CChar.self) }
            guard PQputCopyData(handle, piece, Int32(count)) == 1 else { throw refusedCopy(handle) }
            start += count
        }
    }

    /// Ends the copy; returns the rows that it stored.
    @discardableResult
    public func endCopyIn() throws -> Int {
        let handle = try usable()
        guard PQputCopyEnd(handle, nil) == 1 else { throw refusedCopy(handle) }
        return try drainResults("COPY")
    }

    /// Gives the copy up; the transaction is aborted.
    public func failCopyIn(_ message: String) {
        guard let handle else { return }
        _ = PQputCopyEnd(handle, message)
        while let result = PQgetResult(handle) {
            PQclear(result)
            if isBroken { break }
        }
    }

    /// Why libpq takes no more of a copy: mostly because the server has given it up, and said why.
    private func refusedCopy(_ handle: OpaquePointer) -> any Error {
        let own = PostgresError(operation: "COPY", connection: handle)
        do {
            try drainResults("COPY")
            return own
        } catch {
            return error
        }
    }

    /// Runs a statement that must begin a copy of this direction.
    private func beginCopy(_ sql: SQL, _ direction: ExecStatusType) throws {
        let result = try run(sql)
        defer { PQclear(result) }
        guard PQresultStatus(result) == direction else {
            // A copy of the other direction would have to be ended first; a session in that state is of no use.
            if PQresultStatus(result) == PGRES_COPY_IN || PQresultStatus(result) == PGRES_COPY_OUT { close() }
            throw PostgresError(
                operation: Connection.operation(sql), message: "the statement is no COPY of this direction")
        }
    }

    /// Reads results to the end; the rows affected by the last.
    @discardableResult
    func drainResults(_ operation: String) throws -> Int {
        guard let result = try results(operation) else { return 0 }
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            // libpq could not read on, but takes the copy for going on.
            throw PostgresError(operation: operation, connection: handle)
        default: return Rows.affected(result)
        }
    }
}

import CLibPQ
import Glibc

/// COPY (manual, "Functions Associated with the COPY Command").
extension Connection {
    /// Runs `COPY … TO STDOUT` and hands each row's bytes over, valid during the call; a false return ends it early.
    /// Returns whether every row was handed over. After an early end the transaction is aborted.
    public func copyOut(_ sql: SQL, _ row: (UnsafeRawBufferPointer) -> Bool) throws -> Bool {
        let handle = try usable()
        let operation = Connection.operation(sql)
        PQclear(try check(PQexec(handle, sql.text), operation: operation))
        var isStopped = false
        var buffer: UnsafeMutablePointer<CChar>?
        while true {
            let length = PQgetCopyData(handle, &buffer, 0)
            guard length > 0, let bytes = buffer else {
                if length == -2 { throw PostgresError(operation: operation, connection: handle) }
                break
            }
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

    /// Asks the server to give up what it is doing (manual, "Canceling Queries in Progress"). From any thread.
    public func cancel() {
        guard let handle, let cancel = PQgetCancel(handle) else { return }
        var message = [CChar](repeating: 0, count: 256)
        PQcancel(cancel, &message, Int32(message.count))
        PQfreeCancel(cancel)
    }

    /// Begins `COPY … FROM STDIN`.
    public func beginCopyIn(_ sql: SQL) throws {
        PQclear(try check(PQexec(try usable(), sql.text), operation: Connection.operation(sql)))
    }

    /// Sends bytes of the copy: any piece of it, rows need not be whole.
    public func putCopyData(_ bytes: UnsafeRawBufferPointer) throws {
        let handle = try usable()
        guard bytes.count > 0 else { return }
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard PQputCopyData(handle, start, Int32(bytes.count)) == 1 else {
            throw PostgresError(operation: "COPY", connection: handle)
        }
    }

    /// Ends the copy; returns the rows that it stored.
    @discardableResult
    public func endCopyIn() throws -> Int {
        let handle = try usable()
        guard PQputCopyEnd(handle, nil) == 1 else { throw PostgresError(operation: "COPY", connection: handle) }
        return try drainResults("COPY")
    }

    /// Gives the copy up; the transaction is aborted.
    public func failCopyIn(_ message: String) {
        guard let handle else { return }
        _ = PQputCopyEnd(handle, message)
        while let result = PQgetResult(handle) { PQclear(result) }
    }

    /// Reads results to the end; the rows affected by the last, or the first error.
    @discardableResult
    func drainResults(_ operation: String) throws -> Int {
        let handle = try usable()
        var affected = 0
        var failure: PostgresError?
        while let result = PQgetResult(handle) {
            do {
                let good = try check(result, operation: operation)
                affected = Int(String(cString: PQcmdTuples(good))) ?? 0
                PQclear(good)
            } catch let error as PostgresError {
                failure = failure ?? error
                if error.isConnectionLost { break }
            }
        }
        if let failure { throw failure }
        return affected
    }
}

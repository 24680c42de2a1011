import CLibPQ
import Glibc

/// A connection through libpq. Every call blocks until the server has answered; all throw `PostgresError`.
// @unchecked: a libpq connection may be used by any thread, but by one at a time; its owner hands it over as a whole
// (manual, "Behavior in Threaded Programs").
public final class Connection: @unchecked Sendable {
    public let parameters: ConnectionParameters
    /// server_version_num: 150018.
    public let serverVersion: Int
    private(set) var handle: OpaquePointer?
    /// What a cancel request needs; made once, so that another thread can use it while a statement runs.
    private let cancellation: OpaquePointer?
    /// Shows other threads how long the server has kept this one waiting.
    public let clock = WaitClock()

    /// Connects, and pins every setting that shapes values, so that neither the role's nor the database's own leak in.
    public convenience init(_ parameters: ConnectionParameters) throws {
        try self.init(parameters, isReplication: false)
    }

    /// Connects a walsender to the database (manual, "Streaming Replication Protocol").
    public convenience init(replicationConnectionTo parameters: ConnectionParameters) throws {
        try self.init(parameters, isReplication: true)
    }

    private init(_ parameters: ConnectionParameters, isReplication: Bool) throws {
        self.parameters = parameters
        let made = try Connection.open(parameters, isReplication: isReplication)
        handle = made
        cancellation = PQgetCancel(made)
        serverVersion = Int(PQserverVersion(made))
        PQsetNoticeProcessor(made, { _, _ in }, nil)
        OpenConnections.add(self)
        try execute(SessionSettings.statement(serverVersion: serverVersion))
    }

    deinit {
        close()
        OpenConnections.remove(self)
        PQfreeCancel(cancellation)
    }

    /// Ends the session. A second time does nothing.
    public func close() {
        if let handle { PQfinish(handle) }
        handle = nil
    }

    // MARK: - Statements

    /// Runs one or more statements and drops their rows.
    public func execute(_ sql: SQL) throws {
        _ = try query(sql)
    }

    /// Runs statements; the last one's rows.
    public func query(_ sql: SQL) throws -> Rows {
        Rows(try run(sql))
    }

    /// Runs one statement with parameters `$1…` as text; nil is SQL NULL.
    public func query(_ sql: SQL, _ parameters: [String?]) throws -> Rows {
        let operation = Connection.operation(sql)
        let handle = try ready(operation)
        let values = try CStringArray(parameters, operation: operation)
        let text = try Connection.text(sql)
        guard PQsendQueryParams(handle, text, Int32(parameters.count), nil, values.pointer, nil, nil, 0) == 1 else {
            throw PostgresError(operation: operation, connection: handle)
        }
        return Rows(try lastResult(operation))
    }

    /// As `query`, and calls `meanwhile` about once a second until the server has answered. What that throws has the
    /// statement given up.
    public func query(_ sql: SQL, meanwhile: () throws -> Void) throws -> Rows {
        let operation = Connection.operation(sql)
        let handle = try ready(operation)
        guard PQsendQuery(handle, try Connection.text(sql)) == 1 else {
            throw PostgresError(operation: operation, connection: handle)
        }
        while PQisBusy(handle) == 1 {
            let isReady = try waitReadable(milliseconds: 1000)
            guard PQconsumeInput(handle) == 1 else { throw PostgresError(operation: operation, connection: handle) }
            guard !isReady else { continue }
            do {
                try meanwhile()
            } catch {
                cancel()
                PQclear(try? results(operation))
                throw error
            }
        }
        return Rows(try lastResult(operation))
    }

    /// Sends statements by the simple protocol, the only one that a replication connection has, and waits for the last
    /// one's result, or the beginning of a copy.
    func run(_ sql: SQL) throws -> OpaquePointer {
        let operation = Connection.operation(sql)
        let handle = try ready(operation)
        guard PQsendQuery(handle, try Connection.text(sql)) == 1 else {
            throw PostgresError(operation: operation, connection: handle)
        }
        return try lastResult(operation)
    }

    /// Asks the server to give up what it is doing, which then fails with SQLSTATE 57014 (manual, "Canceling Queries in
    /// Progress"). From any thread, as long as the connection is referred to; without effect on one that is idle.
    public func cancel() {
        var message = [CChar](repeating: 0, count: 256)
        PQcancel(cancellation, &message, Int32(message.count))
    }

    /// The statement for libpq, which takes a zero byte for its end: one that a name brought in is refused, since the rest
    /// would be cut off.
    static func text(_ sql: SQL) throws -> String {
        guard !sql.text.utf8.contains(0) else {
            throw PostgresError(operation: operation(sql), message: "the statement holds a zero byte")
        }
        return sql.text
    }

    /// The statement's first words: enough to know it by. Ends before the first constant, which may be a row's value.
    static func operation(_ sql: SQL) -> String {
        let words = sql.text.split(maxSplits: 3, whereSeparator: { $0 == " " || $0 == "\n" }).prefix(3)
        let known = words.prefix { word in
            !word.utf8.contains { $0 == UInt8(ascii: "'") }
                && !(word.utf8.first.map { (0x30...0x39).contains($0) } ?? true)
        }
        return known.joined(separator: " ")
    }

    func usable() throws -> OpaquePointer {
        guard let handle else {
            throw PostgresError(operation: "use connection", message: "it is closed", isConnectionLost: true)
        }
        return handle
    }

    /// The connection, with nothing left over from the statement before.
    ///
    /// Whoever has run into an error in the middle of a copy need not end it: it is given up here.
    private func ready(_ operation: String) throws -> OpaquePointer {
        let handle = try usable()
        guard PQpipelineStatus(handle) == PQ_PIPELINE_OFF else {
            throw PostgresError(operation: operation, message: "a pipeline has not ended")
        }
        while let result = PQgetResult(handle) {
            let status = PQresultStatus(result)
            PQclear(result)
            switch status {
            case PGRES_COPY_IN:
                guard PQputCopyEnd(handle, "given up") == 1 else {
                    throw PostgresError(operation: operation, connection: handle)
                }
            case PGRES_COPY_OUT: dropCopyData(handle)
            case PGRES_COPY_BOTH:
                throw PostgresError(operation: operation, message: "the connection streams the log")
            default: break
            }
        }
        return handle
    }

    private func dropCopyData(_ handle: OpaquePointer) {
        cancel()
        var buffer: UnsafeMutablePointer<CChar>?
        while PQgetCopyData(handle, &buffer, 0) > 0 { PQfreemem(buffer) }
    }

    /// Waits for the results of what was sent; the last, or the beginning of a copy. The caller frees it.
    func lastResult(_ operation: String) throws -> OpaquePointer {
        if let result = try results(operation) { return result }
        throw PostgresError(operation: operation, connection: handle)
    }

    /// As `lastResult`; nil where nothing was sent.
    ///
    /// Of several failures the first is thrown, after all have been read: where the server ends a session it says why, and
    /// what libpq then says of the lost connection is only its consequence.
    func results(_ operation: String) throws -> OpaquePointer? {
        let handle = try usable()
        clock.start()
        defer { clock.end() }
        var last: OpaquePointer?
        var failure: PostgresError?
        while let result = PQgetResult(handle) {
            switch PQresultStatus(result) {
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                PQclear(last)
                return result
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY, PGRES_SINGLE_TUPLE:
                PQclear(last)
                last = result
            default:
                if failure == nil { failure = PostgresError(operation: operation, result: result, connection: handle) }
                PQclear(result)
            }
        }
        guard failure == nil, !isBroken else {
            PQclear(last)
            throw failure ?? PostgresError(operation: operation, connection: handle)
        }
        return last
    }

    /// The connection can't be used any more.
    public var isBroken: Bool { handle.map { PQstatus($0) == CONNECTION_BAD } ?? true }

    /// The server's process, as pg_stat_activity shows it.
    public var backendPID: Int { handle.map { Int(PQbackendPID($0)) } ?? 0 }

    /// Waits until the socket has something to read (or room to write, if asked), or `wakeDescriptor` does.
    /// A negative timeout waits for ever. Returns whether the socket is ready.
    @discardableResult
    public func waitReadable(milliseconds: Int, wakeDescriptor: Int32 = -1, orWritable: Bool = false) throws -> Bool {
        let socket = PQsocket(try usable())
        let wanted = Int16(POLLIN) | (orWritable ? Int16(POLLOUT) : 0)
        var descriptors = [
            pollfd(fd: socket, events: wanted, revents: 0),
            pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        let ready = poll(&descriptors, wakeDescriptor < 0 ? 1 : 2, Int32(truncatingIfNeeded: milliseconds))
        return ready > 0 && descriptors[0].revents != 0
    }
}

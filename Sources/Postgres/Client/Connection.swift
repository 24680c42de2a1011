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
        let pairs = parameters.keywords(isReplication: isReplication)
        let keywords = CStringArray(pairs.map(\.0))
        let values = CStringArray(pairs.map(\.1))
        let made = PQconnectdbParams(keywords.pointer, values.pointer, 0)
        guard let made, PQstatus(made) == CONNECTION_OK else {
            var error = PostgresError(operation: "connect to \(parameters.host):\(parameters.port)", connection: made)
            error.isConnectionLost = true
            PQfinish(made)
            throw error
        }
        handle = made
        serverVersion = Int(PQserverVersion(made))
        PQsetNoticeProcessor(made, { _, _ in }, nil)
        try execute(Connection.sessionSettings)
    }

    deinit {
        close()
    }

    public func close() {
        if let handle { PQfinish(handle) }
        handle = nil
    }

    private static let sessionSettings: SQL = """
        SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 3;
        SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET search_path = ''; SET statement_timeout = 0;
        SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET standard_conforming_strings = on;
        SET xmloption = 'content'
        """

    // MARK: - Statements

    /// Runs one or more statements and drops their rows.
    public func execute(_ sql: SQL) throws {
        _ = try query(sql)
    }

    /// Runs statements; the last one's rows.
    public func query(_ sql: SQL) throws -> Rows {
        let handle = try usable()
        return Rows(try check(PQexec(handle, sql.text), operation: Connection.operation(sql)))
    }

    /// Runs one statement with parameters `$1…` as text; nil is SQL NULL.
    public func query(_ sql: SQL, _ parameters: [String?]) throws -> Rows {
        let handle = try usable()
        let values = CStringArray(parameters)
        return Rows(
            try check(
                PQexecParams(handle, sql.text, Int32(parameters.count), nil, values.pointer, nil, nil, 0),
                operation: Connection.operation(sql)))
    }

    /// The statement's first words: enough to know it by, without values.
    static func operation(_ sql: SQL) -> String {
        sql.text.split(whereSeparator: { $0 == " " || $0 == "\n" }).prefix(3).joined(separator: " ")
    }

    func usable() throws -> OpaquePointer {
        guard let handle else {
            throw PostgresError(operation: "use connection", message: "it is closed", isConnectionLost: true)
        }
        return handle
    }

    /// The result, unless it is an error.
    func check(_ result: OpaquePointer?, operation: String) throws -> OpaquePointer {
        guard let handle, let result else { throw PostgresError(operation: operation, connection: handle) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH, PGRES_EMPTY_QUERY,
            PGRES_SINGLE_TUPLE, PGRES_PIPELINE_SYNC:
            return result
        default:
            let error = PostgresError(operation: operation, result: result, connection: handle)
            PQclear(result)
            throw error
        }
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

/// A NULL-terminated array of C strings that lives as long as the object.
final class CStringArray {
    let pointer: UnsafeMutablePointer<UnsafePointer<CChar>?>
    private let count: Int

    init(_ strings: [String?]) {
        count = strings.count
        pointer = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { pointer[index] = string.map { UnsafePointer(strdup($0)) } }
        pointer[count] = nil
    }

    deinit {
        for index in 0..<count { free(UnsafeMutablePointer(mutating: pointer[index])) }
        pointer.deallocate()
    }
}

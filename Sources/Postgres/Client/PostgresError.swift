import CLibPQ

/// A failure of a statement or a connection. Neither the description nor the message holds a row's value: the server's
/// detail and context, which can, are kept apart, and what a message quotes of a wrong value is left out.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// What a failure asks for.
    public enum Class: Sendable {
        case transient, authentication, needsOperator, fatal
        /// No connection could be made, and the reason can go away by itself.
        case unreachable
    }

    public var operation: String
    public var sqlState: String?
    public var message: String
    /// May hold row values: for debug output only.
    public var detail: String?
    public var hint: String?
    public var schema: String?
    public var table: String?
    public var column: String?
    public var constraint: String?
    /// Where the server was: may hold row values, for debug output and for finding a column's name.
    public var context: String?
    /// The connection can't be used any more.
    public var isConnectionLost: Bool
    /// What a failure without an SQLSTATE asks for, where whoever noticed it knows.
    var knownKind: Class?

    public init(operation: String, message: String, sqlState: String? = nil, isConnectionLost: Bool = false) {
        self.operation = operation
        self.message = PostgresError.withoutValues(message, sqlState)
        self.sqlState = sqlState
        self.isConnectionLost = isConnectionLost
    }

    public var description: String {
        "\(operation): \(message)" + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
    }

    /// Decides what the failure asks for, by SQLSTATE (manual, "PostgreSQL Error Codes").
    public var kind: Class {
        guard let sqlState else { return knownKind ?? kindOfLibraryFailure }
        switch sqlState {
        // The wal segment that a slot needs is gone; the database was dropped; a limit of the configuration; no disk.
        case "58P01", "57P04", "53400", "53100", "40002": return .needsOperator
        // Cancelled, not at once available, used by another session, idle or in a transaction for too long.
        case "57014", "55P03", "55006", "25P03", "25P04": return .transient
        default: break
        }
        switch sqlState.prefix(2) {
        case "08", "40", "53", "57": return .transient
        case "28": return .authentication
        // A statement that is wrong in itself, or sent at the wrong time.
        case "03", "26", "34": return .fatal
        default: return sqlState == "42601" ? .fatal : isConnectionLost && isServerFault ? .transient : .needsOperator
        }
    }

    /// The server's own trouble, of which a session can die while the next one works.
    private var isServerFault: Bool { sqlState?.hasPrefix("XX") == true || sqlState?.hasPrefix("58") == true }

    /// What libpq itself reports: a connection that could not be made or was lost, unless the reason stays the same until
    /// somebody changes something.
    private var kindOfLibraryFailure: Class {
        if message.contains("no password supplied") { return .authentication }
        let staying = [
            "does not support SSL", "certificate", "private key", "SSL alert", "alert unknown",
            "does not match host name",
            " invalid", "invalid ",
        ]
        if operation.hasPrefix("connect to") {
            return staying.contains(where: message.contains) ? .needsOperator : .unreachable
        }
        return isConnectionLost ? .transient : .fatal
    }

    /// From the connection's own last error.
    init(operation: String, connection: OpaquePointer?) {
        let text = connection.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? "out of memory"
        self.init(
            operation: operation, message: PostgresError.clean(text.split(separator: "\n")),
            isConnectionLost: PQstatus(connection) == CONNECTION_BAD)
    }

    /// From a connection that could not be made, whose errors are in libpq's verbose form: `FATAL:  28P01: …` and a line
    /// that says where in the server.
    init(operation: String, refused connection: OpaquePointer) {
        let text = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
        var lines = text.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }
        var state: String?
        for index in lines.indices {
            guard let code = PostgresError.code(in: lines[index]) else { continue }
            state = state ?? String(lines[index][code])
            let afterColon = lines[index].index(code.upperBound, offsetBy: 2)
            lines[index].removeSubrange(code.lowerBound..<afterColon)
        }
        // PgBouncer says "protocol violation" to whatever it does not take.
        if state == "08P01", text.contains("unsupported startup parameter") { state = "0A000" }
        self.init(
            operation: operation, message: PostgresError.clean(lines), sqlState: state, isConnectionLost: true)
        if state == nil { hint = UnreachableHint.of(text) }
    }

    /// The place of the SQLSTATE in `FATAL:  28P01: message`, whatever the language of the first word.
    private static func code(in line: Substring) -> Range<Substring.Index>? {
        var search = line
        while let found = search.firstRange(of: ":  ") {
            let rest = line[found.upperBound...]
            let code = rest.prefix(5)
            let isCode = code.utf8.count == 5 && code.allSatisfy { "0"..."9" ~= $0 || "A"..."Z" ~= $0 }
            if isCode, rest.dropFirst(5).hasPrefix(": ") { return code.startIndex..<code.endIndex }
            search = rest
        }
        return nil
    }

    /// From a failed result.
    init(operation: String, result: OpaquePointer, connection: OpaquePointer) {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        self.init(
            operation: operation,
            message: field("M")
                ?? PostgresError.clean(String(cString: PQresultErrorMessage(result)).split(separator: "\n")),
            sqlState: field("C"),
            // After these the server closes the connection, whether libpq has seen it or not.
            isConnectionLost: PQstatus(connection) == CONNECTION_BAD || field("V") == "FATAL" || field("V") == "PANIC")
        detail = field("D")
        hint = field("H")
        schema = field("s")
        table = field("t")
        column = field("c")
        constraint = field("n")
        context = field("W")
    }

    /// One line of libpq's first three, without the tabs before them.
    private static func clean(_ lines: [Substring]) -> String {
        lines.prefix(3).map { $0.drop(while: { $0 == " " || $0 == "\t" }) }.joined(separator: "; ")
    }

    /// The messages of data exceptions (class 22) quote the value that is wrong: it is left out.
    private static func withoutValues(_ message: String, _ sqlState: String?) -> String {
        guard sqlState?.hasPrefix("22") == true else { return message }
        let quote = UInt8(ascii: "\"")
        guard let first = message.utf8.firstIndex(of: quote), let last = message.utf8.lastIndex(of: quote) else {
            return message
        }
        return message[..<first] + "\"…" + (first < last ? message[last...] : "")
    }
}

import CLibPQ

/// A failure of a statement or a connection. The description holds no row values: the server's detail, which can, is kept
/// apart.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// What a failure asks for.
    public enum Class: Sendable {
        case transient, authentication, needsOperator, fatal
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

    public init(operation: String, message: String, sqlState: String? = nil, isConnectionLost: Bool = false) {
        self.operation = operation
        self.message = message
        self.sqlState = sqlState
        self.isConnectionLost = isConnectionLost
    }

    public var description: String {
        "\(operation): \(message)" + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
    }

    /// Decides what the failure asks for, by SQLSTATE (manual, "PostgreSQL Error Codes").
    public var kind: Class {
        guard let sqlState else {
            if message.contains("no password supplied") || message.contains("password authentication failed") {
                return .authentication
            }
            return isConnectionLost ? .transient : .fatal
        }
        switch sqlState {
        case "57P01", "57P02", "57P03", "40001", "40P01", "53300", "55006", "57014", "55P03", "25P03", "58P01": break
        case "42501", "3D000", "53100", "53200", "58030", "55000", "42704", "22023": return .needsOperator
        default:
            if sqlState.hasPrefix("28") { return .authentication }
            if sqlState.hasPrefix("08") || sqlState.hasPrefix("57P") { return .transient }
            return isConnectionLost ? .transient : .needsOperator
        }
        return sqlState == "58P01" ? .needsOperator : .transient
    }

    /// From the connection's own last error.
    init(operation: String, connection: OpaquePointer?) {
        let text = connection.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? "out of memory"
        self.init(operation: operation, message: PostgresError.clean(text), isConnectionLost: true)
        // libpq keeps no SQLSTATE of a refused connection; the server's phrases are the only sign.
        if text.contains("role \""), text.contains("does not exist") {
            sqlState = "28000"
            return
        }
        for (phrase, state) in PostgresError.refusals where text.contains(phrase) {
            sqlState = state
            break
        }
    }

    /// From a failed result.
    init(operation: String, result: OpaquePointer, connection: OpaquePointer) {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        self.init(
            operation: operation,
            message: field("M") ?? PostgresError.clean(String(cString: PQresultErrorMessage(result))),
            sqlState: field("C"), isConnectionLost: PQstatus(connection) == CONNECTION_BAD)
        detail = field("D")
        hint = field("H")
        schema = field("s")
        table = field("t")
        column = field("c")
        constraint = field("n")
        context = field("W")
    }

    private static let refusals = [
        ("password authentication failed", "28P01"), ("no password supplied", "28P01"),
        ("no pg_hba.conf entry", "28000"), ("certificate authentication failed", "28000"),
        ("FATAL:  role \"", "28000"), ("does not exist", "3D000"), ("must be superuser or replication role", "42501"),
        ("permission denied for database", "42501"), ("too many clients", "53300"),
        ("remaining connection slots are reserved", "53300"), ("the database system is", "57P03"),
        ("unsupported startup parameter: replication", "0A000"),
    ]

    private static func clean(_ text: String) -> String {
        var lines = text.split(separator: "\n").map { line in
            var line = line
            while line.first == " " || line.first == "\t" { line.removeFirst() }
            return String(line)
        }
        if lines.count > 3 { lines = Array(lines.prefix(3)) }
        return lines.joined(separator: "; ")
    }
}

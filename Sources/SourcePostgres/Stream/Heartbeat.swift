import Connectors
import JSON
import Postgres

/// A change that the capture itself makes at the source at a steady pace, for those who want to see rows come. The slot moves
/// without it as well.
public struct Heartbeat: Sendable, Equatable {
    public enum Mode: Sendable, Equatable {
        /// Row 1 of the table gets a new `last_update`.
        case table(QualifiedName)
        /// `pg_logical_emit_message`: nothing is written but to the log.
        case message
    }

    /// Milliseconds from one to the next; half a second where less is asked for.
    public var interval: Int64
    public var mode: Mode

    /// From `advanced.heartbeat` of an endpoint config; nil where there is none.
    public init?(_ value: JSONValue?) {
        guard let value, let text = value["interval"]?.stringValue, let interval = Heartbeat.milliseconds(text) else {
            return nil
        }
        self.interval = max(interval, 500)
        mode = value["mode"]?.stringValue == "message" ? .message : .table(Heartbeat.table(value))
    }

    /// The table, whose name is Streamkap's.
    static func table(_ value: JSONValue) -> QualifiedName {
        QualifiedName(value["schema"]?.stringValue ?? "public", "streamkap_heartbeat")
    }

    /// A number with its unit; nil for anything else, and for what is longer than can be counted.
    static func milliseconds(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let number = Int64(digits), let unit = units[text.dropFirst(digits.count)] else { return nil }
        let (product, isTooMuch) = number.multipliedReportingOverflow(by: unit)
        return isTooMuch ? nil : product
    }

    /// One beat. A lock that somebody holds on the table is waited for shortly: the next beat comes anyway. A standby that
    /// commits wait for isn't waited for.
    func beat(_ connection: Connection) throws {
        do {
            try connection.execute(
                "BEGIN; SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '2s'; SET LOCAL synchronous_commit = off"
            )
            switch mode {
            case .table(let name):
                try connection.execute(
                    """
                    INSERT INTO \(name) (id, text, last_update) VALUES (1, 'flowctl', now())
                    ON CONFLICT (id) DO UPDATE SET last_update = EXCLUDED.last_update
                    """)
            case .message:
                _ = try connection.query("SELECT pg_logical_emit_message(true, 'flowctl', 'heartbeat')")
            }
            try connection.execute("COMMIT")
        } catch let error as PostgresError where Heartbeat.passing.contains(error.sqlState ?? "") {
            try connection.execute("ROLLBACK")
        } catch let error as PostgresError where error.sqlState == "42501" || error.sqlState == "42P01" {
            throw RunError(
                .needsOperator, operation: "beat", object: "heartbeat of slot", message: error.message, hint: hint,
                sqlState: error.sqlState)
        }
    }

    /// lock_not_available, query_canceled, deadlock_detected.
    private static let passing: Set<String> = ["55P03", "57014", "40P01"]

    private var hint: String {
        guard case .table(let name) = mode else { return "take the heartbeat out of the capture's config" }
        return "CREATE TABLE IF NOT EXISTS \(name) (id int PRIMARY KEY, text varchar, last_update timestamptz); "
            + "GRANT SELECT, INSERT, UPDATE ON \(name) TO the capture's user; or take the heartbeat out of its config"
    }
}

import Connectors
import Postgres

/// Sends operators' signals to a capture, whether or not its runner is up: what is sent waits for it.
public struct SignalSending: Sendable {
    /// The capture's name, for messages.
    public let capture: String
    public let config: PostgresCaptureConfig

    public init(capture: String, config: PostgresCaptureConfig) {
        self.capture = capture
        self.config = config
    }

    /// Where signals go.
    public enum Channel: Sendable, Equatable {
        case table(String)
        case file(String)
    }

    /// Sends one; returns once it is kept for good. Throws `RunError` where nobody would hear it.
    public func send(_ signal: OperatorSignal) throws -> Channel {
        guard signal.dataText.utf8.count <= SignalNote.mostBytes else {
            throw refusal("it is longer than \(Quantity.bytes(Int64(SignalNote.mostBytes)))", hint: nil)
        }
        if let file = config.signalFile {
            try SignalFile(path: file).append(signal)
            return .file(file)
        }
        guard let table = config.sideTables.signalTable else {
            throw refusal(
                "the capture's config has no advanced.signalTable",
                hint: "add advanced: { signalTable: <schema> } to it, then start flowctl apply")
        }
        do {
            try insert(signal, table)
        } catch let error as PostgresError {
            throw error.asRunError(operation: "signal", object: "\(table.kind) \(table.name)", task: capture)
        }
        return .table("\(table.name)")
    }

    private func insert(_ signal: OperatorSignal, _ table: SideTables.Table) throws {
        let connection = try Connection(config.connection)
        defer { connection.close() }
        let rows = try connection.query("SELECT to_regclass(\(literal: table.name.quoted)) IS NOT NULL")
        guard rows[0, 0] == "t" else {
            throw refusal("\(table.kind) \(table.name) is not there", hint: "flowctl apply makes it, or flowctl setup")
        }
        guard try PublicationReading.isPublished(table.name, in: config.publication, connection) else {
            throw refusal(
                "\(table.kind) \(table.name) is not in publication \(Identifier(config.publication)): nobody would hear it",
                hint: "ALTER PUBLICATION \(Identifier(config.publication)) ADD TABLE \(table.name);")
        }
        // By their places, whatever the columns are called.
        _ = try connection.query(
            "INSERT INTO \(table.name) VALUES ($1, $2, $3)", [signal.id, signal.type, signal.dataText])
    }

    private func refusal(_ message: String, hint: String?) -> RunError {
        RunError(
            .needsOperator, operation: "signal", object: "capture \"\(capture)\"", message: message, hint: hint,
            task: capture)
    }
}

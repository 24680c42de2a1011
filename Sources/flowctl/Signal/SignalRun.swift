import ArgumentParser
import Connectors
import Diagnostics
import JSON
import Postgres
import SourcePostgres
import TaskGraph

/// Composes one signal and sends it.
struct SignalRun: Sendable {
    private let task: CaptureTask
    private let form: OutputForm
    private let log: Log
    private let file: String
    private let action: SignalAction
    private let signal: OperatorSignal

    /// Throws a usage error for a capture or a table that the catalog doesn't have.
    init(graph: CompiledGraph, command: Signal) throws {
        guard let task = graph.captures.first(where: { $0.name == command.capture }) else {
            let hint = Suggestion.hint(for: command.capture, among: graph.captures.map(\.name))
            throw ValidationError("the catalog has no capture '\(command.capture)'" + (hint.map { "; \($0)" } ?? ""))
        }
        self.task = task
        form = command.options.output
        log = command.options.log
        file = command.file
        action = command.action
        let tables = try command.tables.map { try SignalRun.table($0, of: task) }
        var number = SystemRandomNumberGenerator()
        let digits = String(number.next(), radix: 16)
        signal = OperatorSignal(
            id: "flowctl-" + String(repeating: "0", count: 16 - digits.count) + digits, type: action.type,
            data: SignalRun.data(command, tables))
    }

    /// The data of a signal about tables, `schema.table`; about all, without any.
    private static func data(_ command: Signal, _ tables: [String]) -> JSONValue {
        let isSnapshot = command.action == .backfill || command.action == .blocking
        let patterns = tables.isEmpty && isSnapshot ? [".*"] : tables.map(OperatorSignal.pattern)
        var data = JSONObject()
        if !patterns.isEmpty { data["data-collections"] = .array(patterns.map { .string($0) }) }
        if command.action != .blocking { data["type"] = "INCREMENTAL" } else { data["type"] = "BLOCKING" }
        if let condition = command.condition {
            data["additional-conditions"] = .array(
                patterns.map { ["data-collection": .string($0), "filter": .string(condition)] })
        }
        if let key = command.surrogateKey { data["surrogate-key"] = .string(key) }
        return .object(data)
    }

    private static func table(_ text: String, of task: CaptureTask) throws -> String {
        let names = task.bindings.map { "\($0.namespace).\($0.stream)" }
        if let name = names.first(where: { $0.isSameName(as: text) }) { return name }
        let streams = task.bindings.filter { $0.stream.isSameName(as: text) }
        if streams.count == 1 { return "\(streams[0].namespace).\(streams[0].stream)" }
        let hint = Suggestion.hint(for: text, among: names)
        throw ValidationError(
            "capture '\(task.name)' has no table '\(text)'"
                + (hint.map { "; \($0)" } ?? "; tables are named schema.table, and case is significant"))
    }

    func run() -> ExitStatus {
        do {
            let channel = try SignalSending(capture: task.name, config: try task.captureConfig()).send(signal)
            show(channel)
            return .done
        } catch {
            let known = error as? RunError ?? RunError(.internal, operation: "signal", message: "\(error)")
            log.write(
                .error,
                "flowctl: task \"\(task.name)\": \(known.description)" + (known.hint.map { "; hint: \($0)" } ?? ""))
            return ExitStatus(known)
        }
    }

    private func show(_ channel: SignalSending.Channel) {
        let (kind, place) =
            switch channel {
            case .table(let name): ("table", name)
            case .file(let path): ("file", path)
            }
        guard form == .json else {
            return Output.line(
                "signal \(signal.id) (\(signal.type)) is in \(place); see what becomes of it: flowctl status \(file)")
        }
        let object: JSONValue = [
            "id": .string(signal.id), "type": .string(signal.type), "capture": .string(task.name),
            "channel": .string(kind), "to": .string(place),
        ]
        Output.line(JSONWriter.write(object))
    }
}

extension SignalAction {
    /// The signal's type.
    var type: String {
        switch self {
        case .backfill, .blocking: "execute-snapshot"
        case .stop: "stop-snapshot"
        case .pause: "pause-snapshot"
        case .resume: "resume-snapshot"
        }
    }
}

extension CaptureTask {
    /// The endpoint config with its secrets resolved, and the file of signals for one that never writes to its source.
    func captureConfig() throws -> PostgresCaptureConfig {
        let resolution = SecretResolution(folder: configFolder, task: name, run: ChildProcess.output(of:))
        return try captureConfig(resolved: try resolution.resolve(config))
    }

    /// The same of a config whose secrets are resolved.
    func captureConfig(resolved: JSONValue) throws -> PostgresCaptureConfig {
        var parsed = try PostgresCaptureConfig(resolved)
        if parsed.isReadOnly { parsed.signalFile = signalFile }
        return parsed
    }

    /// Beside the file that has the capture, so that whoever reads the same catalog finds the same.
    private var signalFile: String {
        var name = ""
        for byte in self.name.utf8 {
            let isPlain =
                byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            name += isPlain ? String(UnicodeScalar(byte)) : "%" + String(byte, radix: 16, uppercase: true)
        }
        return "\(configFolder)/.flowctl-signals/\(name).jsonl"
    }
}

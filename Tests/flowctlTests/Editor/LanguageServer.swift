import Foundation

/// The real yaml-language-server, spoken to over its standard input and output as an editor does (Language Server Protocol
/// 3.16). Killed as the object goes away.
final class LanguageServer {
    /// A fault that the server shows in a file.
    struct Fault: Hashable, CustomStringConvertible {
        /// From 1, as `flowctl` counts them.
        let line: Int
        let message: String

        var description: String { "\(line): \(message)" }
    }

    /// Why there is no answer.
    enum Failure: Error {
        case ended
        case silent(String)
        case refused(String)
    }

    /// On the PATH, or where `scripts/prerequisites test` puts it; nil without either.
    static let program: String? = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (folders + [root.appending(path: ".build/tools/yaml-language-server/node_modules/.bin").path])
            .map { $0 + "/yaml-language-server" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    private static var settings: [String: Any] {
        ["yaml": ["validate": true, "hover": true, "completion": true, "schemaStore": ["enable": false]]]
    }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var received = Data()
    private var lastRequest = 0
    private var faults: [String: [Fault]] = [:]

    init() throws {
        process.executableURL = URL(filePath: Self.program ?? "/usr/bin/false")
        process.arguments = ["--stdio"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        // A server that has ended is seen as a failing write, not as a signal that ends the tests.
        signal(SIGPIPE, SIG_IGN)
        try process.run()
        let client: [String: Any] = [
            "textDocument": ["hover": ["contentFormat": ["plaintext", "markdown"]], "publishDiagnostics": [:]],
            "workspace": ["configuration": true],
        ]
        _ = try request("initialize", ["processId": NSNull(), "rootUri": NSNull(), "capabilities": client])
        try notify("initialized", [:])
        try notify("workspace/didChangeConfiguration", ["settings": Self.settings])
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    /// Shows it a file, as an editor does when one is opened; what it finds at fault.
    func open(_ file: URL, _ text: String) throws -> [Fault] {
        let uri = file.absoluteString
        faults[uri] = nil
        let document: [String: Any] = ["uri": uri, "languageId": "yaml", "version": 1, "text": text]
        try notify("textDocument/didOpen", ["textDocument": document])
        while true {
            if let found = faults[uri] { return found.sorted { $0.line < $1.line } }
            try handle(try receive(waitingFor: "diagnostics of \(file.lastPathComponent)"))
        }
    }

    /// The names that it offers at a place of a file that is open; line and column from 1.
    func completions(_ file: URL, line: Int, column: Int) throws -> [String] {
        let answer = try request("textDocument/completion", place(file, line, column))
        let items = (answer as? [String: Any])?["items"] as? [[String: Any]] ?? answer as? [[String: Any]] ?? []
        return items.compactMap { $0["label"] as? String }
    }

    /// What it says about a place of a file that is open; empty where it says nothing.
    func hover(_ file: URL, line: Int, column: Int) throws -> String {
        let answer = try request("textDocument/hover", place(file, line, column)) as? [String: Any]
        let contents = answer?["contents"]
        return contents as? String ?? (contents as? [String: Any])?["value"] as? String
            ?? (contents as? [String])?.joined(separator: "\n") ?? ""
    }

    private func place(_ file: URL, _ line: Int, _ column: Int) -> [String: Any] {
        ["textDocument": ["uri": file.absoluteString], "position": ["line": line - 1, "character": column - 1]]
    }

    private func notify(_ method: String, _ parameters: [String: Any]) throws {
        try send(["method": method, "params": parameters])
    }

    private func request(_ method: String, _ parameters: [String: Any]) throws -> Any? {
        lastRequest += 1
        try send(["id": lastRequest, "method": method, "params": parameters])
        while true {
            let message = try receive(waitingFor: method)
            guard message["method"] == nil, message["id"] as? Int == lastRequest else {
                try handle(message)
                continue
            }
            if let error = message["error"] { throw Failure.refused("\(method): \(error)") }
            return message["result"]
        }
    }

    /// Answers what the server asks of an editor, and keeps what it has found.
    private func handle(_ message: [String: Any]) throws {
        let method = message["method"] as? String
        let parameters = message["params"] as? [String: Any] ?? [:]
        if let id = message["id"], let method {
            let items = parameters["items"] as? [[String: Any]] ?? []
            let wanted: [Any] = items.map { Self.settings[$0["section"] as? String ?? ""] ?? NSNull() }
            let answer: Any = method == "workspace/configuration" ? wanted as Any : NSNull()
            try send(["id": id, "result": answer])
        } else if method == "textDocument/publishDiagnostics", let uri = parameters["uri"] as? String {
            let found = parameters["diagnostics"] as? [[String: Any]] ?? []
            faults[uri] = found.map { fault in
                let start = (fault["range"] as? [String: Any])?["start"] as? [String: Int]
                return Fault(line: (start?["line"] ?? -1) + 1, message: fault["message"] as? String ?? "")
            }
        }
    }

    private func send(_ message: [String: Any]) throws {
        var whole = message
        whole["jsonrpc"] = "2.0"
        let body = try JSONSerialization.data(withJSONObject: whole)
        try input.fileHandleForWriting.write(contentsOf: Data("Content-Length: \(body.count)\r\n\r\n".utf8) + body)
    }

    private func receive(waitingFor what: String) throws -> [String: Any] {
        while true {
            if let body = nextBody() {
                return try JSONSerialization.jsonObject(with: body) as? [String: Any] ?? [:]
            }
            var descriptor = pollfd(fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 60_000) > 0 else { throw Failure.silent(what) }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw Failure.ended }
            received += more
        }
    }

    /// The next whole message's body, without its header.
    private func nextBody() -> Data? {
        guard let end = received.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let header = String(decoding: received[..<end.lowerBound], as: UTF8.self).lowercased()
        let length = header.components(separatedBy: "content-length:").last.flatMap {
            Int($0.prefix { $0 != "\r" }.trimmingCharacters(in: .whitespaces))
        }
        guard let length, received.endIndex - end.upperBound >= length else { return nil }
        let body = received[end.upperBound..<end.upperBound + length]
        received = Data(received[(end.upperBound + length)...])
        return Data(body)
    }
}

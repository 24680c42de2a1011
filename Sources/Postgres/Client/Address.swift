/// Where a server listens: `host`, `host:port`, `[v6]:port`, or a socket directory `/dir` or `/dir:port`.
public struct Address: Hashable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int

    public static let defaultPort = 5432

    /// Throws a `PostgresError` that quotes the address.
    public init(_ text: String) throws {
        var host = text
        var port: String?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            if rest.hasPrefix(":") { port = String(rest.dropFirst()) } else if !rest.isEmpty { port = "?" }
        } else if let colon = text.lastIndex(of: ":"), text[..<colon].contains(":") == false {
            host = String(text[..<colon])
            port = String(text[text.index(after: colon)...])
        }
        let number = port.map { Int($0) ?? 0 } ?? Address.defaultPort
        guard !host.isEmpty, (1...65535).contains(number) else {
            throw PostgresError(
                operation: "parse address",
                message: "\"\(text)\" is not host, host:port, [v6]:port or a socket directory")
        }
        self.host = host
        self.port = number
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Where a server listens: `host`, `host:port`, `[v6]:port`, or a socket directory `/dir` or `/dir:port`.
public struct Address: Hashable, Sendable, CustomStringConvertible {
    /// A name, an IP address without brackets, or a directory.
    public let host: String
    public let port: Int

    public static let defaultPort = 5432

    /// Throws a `PostgresError` that quotes the address.
    public init(_ text: String) throws {
        guard let (host, port) = Address.parts(text), Address.isHost(host), let number = Address.number(port) else {
            throw PostgresError(
                operation: "parse address",
                message: "\"\(text)\" is not host, host:port, [v6]:port or a socket directory")
        }
        self.host = String(host)
        self.port = number
    }

    /// Host and port as they are written; nil where the brackets are wrong.
    private static func parts(_ text: String) -> (host: Substring, port: Substring?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard !rest.isEmpty else { return (host, nil) }
            return rest.hasPrefix(":") ? (host, rest.dropFirst()) : nil
        }
        guard let colon = text.lastIndex(of: ":") else { return (text[...], nil) }
        let host = text[..<colon]
        let port = text[text.index(after: colon)...]
        // A directory's name may have a colon in it; an IPv6 address without brackets has no port.
        if text.hasPrefix("/") { return number(port) == nil ? (text[...], nil) : (host, port) }
        return host.contains(":") ? (text[...], nil) : (host, port)
    }

    /// libpq takes a comma for a list, "@" for an abstract socket, and cuts at a zero byte.
    private static func isHost(_ host: Substring) -> Bool {
        guard !host.isEmpty, !host.utf8.contains(0), !host.contains(",") else { return false }
        return host.hasPrefix("/") || !host.contains { $0 == "@" || $0 == "/" || $0.isWhitespace }
    }

    private static func number(_ port: Substring?) -> Int? {
        guard let port else { return defaultPort }
        guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port) else { return nil }
        return (1...65535).contains(number) ? number : nil
    }

    /// The form that `init` reads.
    public var description: String {
        host.contains(":") && !host.hasPrefix("/") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

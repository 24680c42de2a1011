/// Who and where an SSH host is: `ssh://user@host`, `ssh://user@host:port`, with an IPv6 address in brackets.
struct SSHEndpoint: Hashable, Sendable, CustomStringConvertible {
    let user: String
    /// A name, or an IP address without brackets.
    let host: String
    let port: Int

    /// Throws a `PostgresError` that names the property. What would be an option of a command is none of the two names.
    init(_ text: String) throws {
        let scheme = "ssh://"
        var rest = text.hasPrefix(scheme) ? text.dropFirst(scheme.utf8.count) : ""
        if rest.hasSuffix("/") { rest.removeLast() }
        guard let at = rest.lastIndex(of: "@") else { throw SSHEndpoint.fault }
        let user = rest[..<at]
        let place = String(rest[rest.index(after: at)...])
        // A socket's folder is no host; without brackets an IPv6 address has no end.
        guard !place.hasPrefix("/"),
            place.hasPrefix("[") || place.split(separator: ":", omittingEmptySubsequences: false).count < 3,
            let address = try? Address(place.hasPort ? place : place + ":22")
        else {
            throw SSHEndpoint.fault
        }
        for name in [String(user), address.host] where name.isEmpty || name.hasPrefix("-") || name.hasControl {
            throw SSHEndpoint.fault
        }
        // A password would be of no use, and is not to be shown.
        guard !user.contains(":") else { throw SSHEndpoint.fault }
        self.user = String(user)
        host = address.host
        port = address.port
    }

    private static var fault: PostgresError {
        var error = PostgresError(
            operation: "read networkTunnel.sshForwarding.sshEndpoint",
            message: "it is not ssh://user@host or ssh://user@host:port")
        error.knownKind = .needsOperator
        error.hint = "as in ssh://tunnel@bastion.example.com:22; the key goes into privateKey"
        return error
    }

    /// The form that `init` reads.
    var description: String {
        "ssh://\(user)@\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    /// The host as a list of known ones names it.
    var known: String { port == 22 ? host : "[\(host)]:\(port)" }
}

extension String {
    fileprivate var hasControl: Bool { utf8.contains { $0 <= 0x20 || $0 == 0x7f } }

    /// Whether a port follows the host.
    fileprivate var hasPort: Bool {
        guard let colon = lastIndex(of: ":") else { return false }
        return hasPrefix("[") ? self[..<colon].hasSuffix("]") : !self[..<colon].contains(":")
    }
}

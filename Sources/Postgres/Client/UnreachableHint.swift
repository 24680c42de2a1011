/// What keeps an address from being a server's, told from libpq's words, with what to look at.
enum UnreachableHint {
    /// Of all that libpq says; nil where its words are not known.
    static func of(_ text: String) -> String? {
        known.first { $0.words.contains { text.contains($0) } }?.hint
    }

    /// In order: a later one's words can stand beside an earlier one's.
    private static let known: [(words: [String], hint: String)] = [
        (
            ["invalid response to SSL negotiation", "expected authentication request from server"],
            "something answers there that is no PostgreSQL server: check the address and its port (5432 where none is named)"
        ),
        (
            ["Connection refused"],
            "nothing listens there: check the address and its port, and that the server runs and its listen_addresses "
                + "has that address"
        ),
        (
            ["could not translate host name"],
            "check the address: no host of that name is known to this machine"
        ),
        (
            ["No route to host", "Network is unreachable", "Connection timed out", "timeout expired"],
            "no way leads there: check the address, the network and the server's firewall"
        ),
        (
            ["connection to server on socket"],
            "check the address: a socket's folder is the server's unix_socket_directories, and its port the server's"
        ),
        (
            ["server closed the connection unexpectedly", "EOF detected", "Connection reset by peer"],
            "something there ends the connection before it begins: check the address (it may be a proxy whose server is away, "
                + "or no PostgreSQL server), and the server's log"
        ),
    ]
}

/// Addresses of servers, to tell whether two are the same as far as their text says.
enum ServerAddress {
    /// In small letters, with the default port written out and one name for this machine.
    static func normalized(_ address: String) -> String {
        let text = withPort(address)
        for loopback in ["127.0.0.1:", "[::1]:"] where text.hasPrefix(loopback) {
            return "localhost:" + text.dropFirst(loopback.count)
        }
        return text
    }

    private static func withPort(_ address: String) -> String {
        let address = address.hasPrefix("/") ? address : address.lowercased()
        if address.hasPrefix("[") { return address.contains("]:") ? address : address + ":5432" }
        return address.contains(":") ? address : address + ":5432"
    }
}

/// Addresses of servers, to tell whether two are the same as far as their text says.
enum ServerAddress {
    /// In small letters, with the default port written out.
    static func normalized(_ address: String) -> String {
        let address = address.hasPrefix("/") ? address : address.lowercased()
        if address.hasPrefix("[") { return address.contains("]:") ? address : address + ":5432" }
        return address.contains(":") ? address : address + ":5432"
    }
}

/// `postgres://user:password@host:port/database?sslmode=require`, as libpq reads it (manual, "Connection URIs"), with one
/// host.
public enum ConnectionURL {
    /// Throws a `PostgresError` that never quotes the text, which may hold a password.
    public static func parse(_ text: String) throws -> ConnectionParameters {
        let schemes = ["postgres://", "postgresql://"]
        guard let scheme = schemes.first(where: { text.hasPrefix($0) }) else {
            throw fault("it does not begin with postgres://")
        }
        let rest = text.dropFirst(scheme.utf8.count)
        let (place, query) = cut(rest, "?")
        let (server, path) = cut(place, "/")
        var login: Substring?
        var host = server
        if let at = server.lastIndex(of: "@") {
            login = server[..<at]
            host = server[server.index(after: at)...]
        }
        guard !host.contains(",") else { throw fault("it names several hosts") }
        let (user, password) = cut(login ?? "", ":")
        var options = try options(query ?? "")
        let directory = options.removeValue(forKey: "host")
        let port = options.removeValue(forKey: "port")
        let written = host.isEmpty ? directory ?? "localhost" : try decoded(host)
        let address: Address
        do {
            address = try Address(port.map { written + ":" + $0 } ?? written)
        } catch {
            throw fault("its host and port are not host, host:port or [v6]:port")
        }
        let name = try user.isEmpty ? options.removeValue(forKey: "user") ?? "postgres" : decoded(user)
        let database = try path.map { try decoded($0) } ?? ""
        var parameters = ConnectionParameters(
            host: address.host, port: address.port,
            database: database.isEmpty ? options.removeValue(forKey: "dbname") ?? name : database, user: name,
            password: try password.map { try decoded($0) } ?? options.removeValue(forKey: "password"))
        if let mode = options.removeValue(forKey: "sslmode") { parameters.sslMode = mode }
        parameters.sslRootCert = options.removeValue(forKey: "sslrootcert")
        parameters.sslCert = options.removeValue(forKey: "sslcert")
        parameters.sslKey = options.removeValue(forKey: "sslkey")
        return parameters
    }

    private static func cut(_ text: Substring, _ mark: Character) -> (Substring, Substring?) {
        guard let place = text.firstIndex(of: mark) else { return (text, nil) }
        return (text[..<place], text[text.index(after: place)...])
    }

    private static func options(_ query: Substring) throws -> [String: String] {
        var options: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let (name, value) = cut(pair, "=")
            options[try decoded(name)] = try decoded(value ?? "")
        }
        return options
    }

    private static func decoded(_ text: Substring) throws -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let number = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2,
                number != 0
            else { throw fault("it has a % without two hexadecimal digits") }
            bytes.append(number)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func fault(_ message: String) -> PostgresError {
        PostgresError(operation: "read the connection URL", message: message)
    }
}

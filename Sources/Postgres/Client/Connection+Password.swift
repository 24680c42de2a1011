import CLibPQ

extension Connection {
    /// What `ALTER ROLE … PASSWORD` takes in place of a password, so that the server's log never sees it; in the form that
    /// the server's `password_encryption` asks for (manual, "PQencryptPasswordConn").
    public func passwordVerifier(user: String, password: String) throws -> String {
        let handle = try usable()
        guard let text = PQencryptPasswordConn(handle, password, user, nil) else {
            throw PostgresError(operation: "encrypt the password", message: "the server's form of passwords is unknown")
        }
        defer { PQfreemem(text) }
        return String(cString: text)
    }
}

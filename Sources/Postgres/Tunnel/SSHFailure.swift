/// Makes errors of what `ssh` says: in its words, with what mends it.
struct SSHFailure {
    let endpoint: SSHEndpoint
    let knownHosts: String?
    /// What is forwarded to.
    let server: String
    let operation: String

    // MARK: - What ended it

    /// `ssh` has ended, and this is what it said.
    func ended(_ text: String) -> PostgresError {
        if text.contains("not found") && text.contains("ssh: ") && !text.contains("ssh: Could not resolve") {
            return error(
                .needsOperator, "there is no ssh program to make the tunnel with",
                "install it (Debian: openssh-client), or see that it is on the PATH")
        }
        if text.contains("HOST IDENTIFICATION HAS CHANGED") {
            return error(
                .needsOperator, "the SSH host's key is not the one that is known of it",
                "where the host was renewed, remove the old key (ssh-keygen\(fileOption) -R '\(endpoint.known)') and add the new "
                    + "one after comparing it; else somebody stands between")
        }
        if text.contains("Host key verification failed") || text.contains("host key is known") {
            return error(
                .needsOperator, "the SSH host's key is not known",
                "compare what ssh-keyscan -p \(endpoint.port) \(endpoint.host) prints with the host's own key, and add it to "
                    + "\(knownHosts ?? "~/.ssh/known_hosts")")
        }
        if text.contains("Load key ") {
            return error(
                .needsOperator, "ssh can't read networkTunnel.sshForwarding.privateKey",
                "give the whole key as ssh-keygen wrote it, from -----BEGIN to -----END")
        }
        if text.contains("Permission denied") || text.contains("Too many authentication failures") {
            return error(
                .authentication, "the SSH host refuses the user \"\(endpoint.user)\" or the key",
                "add the public half of networkTunnel.sshForwarding.privateKey to \(endpoint.user)'s authorized_keys there, "
                    + "and check the user in sshEndpoint")
        }
        if text.contains("Bad configuration option") || text.contains("unsupported option") {
            return error(.needsOperator, last(text), "OpenSSH 7.6 or later is wanted, and a valid ssh_config")
        }
        let hint = "check networkTunnel.sshForwarding.sshEndpoint, and that an SSH server listens there"
        return error(.unreachable, last(text), hint)
    }

    /// `ssh` gave no sign in time.
    func silent(seconds: Int) -> PostgresError {
        error(
            .unreachable, "no tunnel within \(seconds) s",
            "check networkTunnel.sshForwarding.sshEndpoint, and that an SSH server listens there")
    }

    /// It could not even be started.
    func local(_ message: String) -> PostgresError { error(.unreachable, message, nil) }

    static func isPortTaken(_ text: String) -> Bool {
        text.contains("Address already in use") || text.contains("cannot listen to port")
    }

    // MARK: - What it would not forward

    /// `ssh` runs, and this is what it said while a connection failed; nil where that is nothing about it.
    func refused(_ text: String) -> PostgresError? {
        guard let line = text.split(separator: "\n").last(where: { $0.contains("open failed: ") }),
            let start = line.firstRange(of: "open failed: ")?.upperBound
        else { return nil }
        let reason = line[start...]
        if reason.hasPrefix("administratively prohibited") || reason.hasPrefix("unknown channel type") {
            return error(
                .needsOperator, "the SSH host does not forward to \(server) (\(reason))",
                "allow it in the host's sshd_config: AllowTcpForwarding yes, and a PermitOpen that has \(server), for the user "
                    + "\"\(endpoint.user)\"")
        }
        return error(
            .unreachable, "the SSH host does not reach \(server) (\(reason))",
            "the address is the database's as the SSH host sees it: check it there, and that the server runs")
    }

    // MARK: - Words

    private var fileOption: String { knownHosts.map { " -f \($0)" } ?? "" }

    /// Its last line that says something: banners come before.
    private func last(_ text: String) -> String {
        let lines = text.split(separator: "\n").filter { $0 != SSHProcess.forwardingLine[...] }
        guard let line = lines.last(where: { !$0.allSatisfy(\.isWhitespace) }) else { return "the tunnel ended" }
        return line.hasPrefix("ssh: ") ? String(line.dropFirst(5)) : String(line)
    }

    private func error(_ kind: PostgresError.Class, _ message: String, _ hint: String?) -> PostgresError {
        var error = PostgresError(
            operation: operation, message: "through \(endpoint): \(message)", isConnectionLost: true)
        error.knownKind = kind
        error.hint = hint
        return error
    }
}

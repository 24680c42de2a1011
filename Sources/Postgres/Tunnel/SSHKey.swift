/// A private key's text as `ssh` reads it. Shows nowhere.
struct SSHKey: Sendable {
    let text: String

    /// Throws a `PostgresError` that names the property where it can't be a key, or one that nobody can open unasked.
    init(_ text: String) throws {
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        guard let first = lines.first(where: { $0.hasPrefix("-----BEGIN ") }), first.contains("PRIVATE KEY-----") else {
            throw SSHKey.fault(
                "it is not a private key", "give its whole text, from -----BEGIN to -----END, or { file: PATH }")
        }
        guard lines.contains(where: { $0.hasPrefix("-----END ") }) else {
            throw SSHKey.fault(
                "its end is missing", "give its whole text, from -----BEGIN to -----END, each line by itself")
        }
        guard !SSHKey.asksForPassphrase(first, lines) else {
            throw SSHKey.fault(
                "the key asks for a passphrase, and nobody is there to give one",
                "make one without for flowctl alone (ssh-keygen -t ed25519 -N '' -f KEY), or leave privateKey out and hold "
                    + "the key in an ssh-agent")
        }
        // It must end with a line's end, which a secret read from a file has lost.
        self.text = lines.joined(separator: "\n") + "\n"
    }

    /// The form of OpenSSH names the cipher behind 15 bytes of magic: the first line begins alike wherever there is none.
    private static func asksForPassphrase(_ first: String, _ lines: [String]) -> Bool {
        if first.contains("ENCRYPTED") || lines.contains(where: { $0.hasPrefix("Proc-Type:") }) { return true }
        guard first.contains("OPENSSH"), let start = lines.firstIndex(of: first), lines.count > start + 1 else {
            return false
        }
        return !lines[start + 1].hasPrefix("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU")
    }

    private static func fault(_ message: String, _ hint: String) -> PostgresError {
        var error = PostgresError(operation: "read networkTunnel.sshForwarding.privateKey", message: message)
        error.knownKind = .needsOperator
        error.hint = hint
        return error
    }
}

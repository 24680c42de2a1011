/// What keeps TLS from being made, told from libpq's words and the server's, with what mends it.
enum TLSFailure {
    /// The error with a hint, where it is about TLS; as it is where not. `reason` is asked why a certificate is not trusted.
    static func explained(
        _ error: PostgresError, reason: () -> CertificateInquiry.Answer?
    ) -> PostgresError {
        var error = error
        if error.message.contains("certificate verify failed") {
            let answer = reason()
            error.message = "the server's certificate is not trusted" + (answer.map { ": \($0.text)" } ?? "")
            error.hint = hint(untrusted: answer?.code)
            error.knownKind = .needsOperator
            return error
        }
        guard let known = known.first(where: { $0.isMeant(by: error.message) }) else { return error }
        if let end = error.message.firstRange(of: "; Either provide") {
            error.message = String(error.message[..<end.lowerBound])
        }
        error.hint = known.hint
        if error.sqlState == nil { error.knownKind = .needsOperator }
        return error
    }

    /// By OpenSSL's code (manual page openssl-verification-options(1)).
    private static func hint(untrusted code: Int?) -> String {
        switch code {
        case 9: "check this machine's clock, and the certificate's dates"
        case 10: "have the server's certificate renewed, and check this machine's clock"
        case 18:
            "where that certificate is the server's own, set advanced.sslrootcert to it; else name the right server in the "
                + "address"
        default:
            "set advanced.sslrootcert to the certificate of the authority that signed the server's (a file, its PEM text, "
                + "or system for public authorities)"
        }
    }

    private struct Known {
        let words: [String]
        let hint: String

        init(_ words: String..., hint: String) {
            self.words = words
            self.hint = hint
        }

        func isMeant(by message: String) -> Bool { words.allSatisfy { message.contains($0) } }
    }

    private static let clientFiles =
        "advanced.sslcert and advanced.sslkey are the client's certificate and its key: files in PEM, or their text"

    private static let known = [
        Known(
            "does not support SSL",
            hint:
                "turn TLS on at the server (ssl = on with ssl_cert_file and ssl_key_file), or set advanced.sslmode to "
                + "prefer where the network between is trusted"),
        Known(
            "root certificate file", "does not exist",
            hint:
                "set advanced.sslrootcert to the certificate of the authority that signed the server's (a file, its PEM "
                + "text, or system for public authorities)"),
        Known("could not read root certificate", hint: "advanced.sslrootcert is to be certificates in PEM"),
        Known(
            "does not match host name",
            hint:
                "name the server in the address as its certificate does, or set advanced.sslmode to verify-ca, which does "
                + "not look at the name"),
        Known("has group or world access", hint: "chmod 600 the file, as the user that runs flowctl"),
        Known(
            "certificate present, but not private key",
            hint: "set advanced.sslkey to the key of the certificate in advanced.sslcert"),
        Known(
            "could not load private key", "bad decrypt",
            hint:
                "the key asks for a passphrase: write it without one (openssl pkey -in KEY -out NEW), readable by nobody "
                + "else, or give its text by { exec: […] }"),
        Known("could not load private key", "mismatch", hint: clientFiles),
        Known("could not load private key", hint: "advanced.sslkey is to be a private key in PEM"),
        Known("certificate does not match private key", hint: clientFiles),
        Known("could not open certificate file", hint: clientFiles),
        Known("could not read certificate file", hint: clientFiles),
        Known("could not load certificate", hint: clientFiles),
        Known(
            "SSL error", "alert",
            hint:
                "the server refuses the client's certificate: advanced.sslcert is to be signed by an authority of the "
                + "server's ssl_ca_file, and valid today"),
        Known(
            "requires a valid client certificate",
            hint:
                "set advanced.sslcert and advanced.sslkey to a certificate that an authority of the server's ssl_ca_file "
                + "has signed"),
        Known(
            "certificate authentication failed",
            hint: "the certificate's common name is to be the user's, or the server's pg_ident.conf is to map it"),
        Known(
            "no pg_hba.conf entry", "no encryption",
            hint: "the server takes only encrypted connections from here: set advanced.sslmode to verify-full, or to "
                + "require; else add a line to its pg_hba.conf"),
        Known(
            "no pg_hba.conf entry", "SSL encryption",
            hint: "add a line for this user, database and address to the server's pg_hba.conf; where it takes only "
                + "unencrypted connections, set advanced.sslmode to disable"),
    ]
}

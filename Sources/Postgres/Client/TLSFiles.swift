import CLibPQ
import Glibc

/// What TLS needs of files, as libpq takes it: certificates and keys that are given as text become nameless files for the time
/// of connecting.
struct TLSFiles {
    /// libpq's keywords with the paths.
    private(set) var keywords: [(String, String)] = []
    private var files: [(property: String, file: PrivateFile)] = []

    /// Throws a `PostgresError` for what can't be meant.
    init(_ parameters: ConnectionParameters, operation: String) throws {
        if let root = parameters.sslRootCert {
            try add("sslrootcert", root == "system" ? TLSFiles.system(parameters, operation) : root, operation)
        }
        if let certificate = parameters.sslCert { try add("sslcert", certificate, operation) }
        if let key = parameters.sslKey {
            try add("sslkey", key, operation)
            // A key that asks for a passphrase fails with this one, where OpenSSL would ask on the terminal.
            keywords.append(("sslpassword", "-"))
        }
    }

    /// The file of authorities that libpq reads, its default one where none is named.
    var root: String {
        keywords.first { $0.0 == "sslrootcert" }?.1
            ?? (getenv("HOME").map { String(cString: $0) } ?? "") + "/.postgresql/root.crt"
    }

    /// Whether a value is the text itself, and no path.
    static func isText(_ value: String) -> Bool { value.contains("-----BEGIN ") }

    /// A message that names the property where libpq names a file that nobody sees.
    func named(_ message: String) -> String {
        var message = message
        // One path can begin with another.
        for (property, file) in files.sorted(by: { $0.file.descriptor > $1.file.descriptor }) {
            message = message.replacing(file.path, with: "advanced.\(property)")
        }
        return message
    }

    private mutating func add(_ property: String, _ value: String, _ operation: String) throws {
        guard TLSFiles.isText(value) else {
            keywords.append((property, value))
            return
        }
        let file = try PrivateFile(value + "\n", operation: operation)
        files.append((property, file))
        keywords.append((property, file.path))
    }

    /// The authorities that this machine trusts. libpq knows them by name from version 16 on, and takes them with
    /// `verify-full` only, since anybody can have a certificate of theirs.
    private static func system(_ parameters: ConnectionParameters, _ operation: String) throws -> String {
        guard parameters.sslMode == "verify-full" else {
            var error = PostgresError(
                operation: operation,
                message:
                    "advanced.sslrootcert: system trusts every public authority, and \(parameters.sslMode) does not "
                    + "look at the server's name")
            error.knownKind = .needsOperator
            error.hint = "set advanced.sslmode to verify-full"
            throw error
        }
        guard PQlibVersion() < 160_000 else { return "system" }
        let bundles = [
            getenv("SSL_CERT_FILE").map { String(cString: $0) } ?? "", "/etc/ssl/certs/ca-certificates.crt",
            "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
        ]
        guard let bundle = bundles.first(where: { access($0, R_OK) == 0 }) else {
            var error = PostgresError(operation: operation, message: "this machine has no file of trusted authorities")
            error.knownKind = .needsOperator
            error.hint = "install ca-certificates, or name the file in advanced.sslrootcert"
            throw error
        }
        return bundle
    }
}

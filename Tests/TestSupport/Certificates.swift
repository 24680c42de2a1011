import Foundation
import Postgres

/// Authorities, and what they have signed, made by the `openssl` program in a folder that goes with the object. Readable by
/// the server's user.
public final class Certificates {
    public static let program = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    public let folder: URL

    public init() throws {
        folder = TestFolder.place("certificates")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    public func path(_ file: String) -> String { folder.appending(path: file).path }

    public func text(_ file: String) throws -> String { try String(contentsOfFile: path(file), encoding: .utf8) }

    /// An authority: `NAME.crt`, `NAME.key`.
    public func makeAuthority(_ name: String) throws {
        try openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/CN=\(name)", "-keyout", path("\(name).key"), "-out", path("\(name).crt"),
        ])
    }

    /// A certificate for a name, signed by an authority, by itself where none is given: `NAME.crt`, `NAME.key`. `names` are
    /// its alternative ones (`DNS:localhost`). An expired one was valid for a day that is over.
    public func make(
        _ name: String, common: String, names: String? = nil, by authority: String? = nil, isExpired: Bool = false
    ) throws {
        try openssl([
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(common)",
            "-keyout",
            path("\(name).key"), "-out", path("\(name).csr"),
        ])
        try (names.map { "subjectAltName=\($0)\n" } ?? "").write(
            toFile: path("\(name).ext"), atomically: true, encoding: .utf8)
        var signing = ["x509", "-req", "-in", path("\(name).csr"), "-out", path("\(name).crt")]
        signing += ["-extfile", path("\(name).ext"), "-days", isExpired ? "-1" : "30"]
        if let authority {
            signing += ["-CA", path("\(authority).crt"), "-CAkey", path("\(authority).key"), "-CAcreateserial"]
        } else {
            signing += ["-signkey", path("\(name).key")]
        }
        try openssl(signing)
    }

    /// Has a server use a certificate from its next start or reload on: settings for `LocalServer`. Its key is made the
    /// server's user's own.
    public func settings(_ name: String, clients authority: String? = nil) throws -> [(String, String)] {
        if getuid() == 0, let user = getpwnam("postgres") {
            chown(path("\(name).key"), user.pointee.pw_uid, user.pointee.pw_gid)
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path("\(name).key"))
        let own = [("ssl", "on"), ("ssl_cert_file", path("\(name).crt")), ("ssl_key_file", path("\(name).key"))]
        return own + (authority.map { [("ssl_ca_file", path("\($0).crt"))] } ?? [])
    }

    /// Runs the program; throws with what it says where it fails.
    public func openssl(_ arguments: [String]) throws {
        let log = path("log")
        let run = try ChildProcess(
            Self.program ?? "openssl", arguments, output: .file(log), errors: .file(log))
        guard run.wait() == 0 else {
            throw PostgresError(operation: "openssl \(arguments[0])", message: (try? text("log")) ?? "it failed")
        }
    }
}

import Connectors
import Glibc
import JSON
import Postgres

/// Turns references to secrets into their text, at the last moment before a command connects.
///
/// `{env: NAME}` reads a variable, `{file: PATH}` a file without its last newline (relative to the catalog file's folder),
/// `{exec: [command, …]}` a program's output without its last newline. The values live in the returned config only.
struct SecretResolution {
    let folder: String
    let task: String
    /// Runs a command; its standard output.
    let run: ([String]) throws -> String

    /// The config with every secret as a string, decrypted by `sops` where that has encrypted it, and with the paths of files as
    /// they are from here.
    func resolve(_ config: JSONValue) throws -> JSONValue {
        try resolve(try SopsDecryption(task: task).decrypt(config), isSecret: false, path: "")
    }

    /// The config without the password: what it takes to reach the server as another user.
    func resolveWay(_ config: JSONValue) throws -> JSONValue {
        let decrypted = try SopsDecryption(task: task).decrypt(config)
        guard case .object(var object) = decrypted else { return config }
        for name in ["password", "credentials"] { object[name] = nil }
        return try resolve(.object(object), isSecret: false, path: "")
    }

    private static let secretNames: Set<String> = ["password", "privateKey", "sslrootcert", "sslcert", "sslkey"]
    private static let fileNames: Set<String> = ["sslrootcert", "sslcert", "sslkey", "knownHosts"]

    private func resolve(_ value: JSONValue, isSecret: Bool, isFile: Bool = false, path: String) throws -> JSONValue {
        switch value {
        case .string(let text)
        where isFile && !text.hasPrefix("/") && text != "system" && !text.contains("-----BEGIN "):
            return .string(folder + "/" + text)
        case .object(let object):
            if isSecret {
                let found = try text(of: object, path)
                // libpq would take it for a path, and show it.
                guard !isFile || found.hasPrefix("/") || found.contains("-----BEGIN ") else {
                    throw failure(path, "what it refers to is neither PEM nor a path that begins with /", nil)
                }
                return .string(found)
            }
            var copy = JSONObject()
            for member in object.members {
                copy[member.key] = try resolve(
                    member.value, isSecret: SecretResolution.secretNames.contains(member.key),
                    isFile: SecretResolution.fileNames.contains(member.key), path: path + "/" + member.key)
            }
            return .object(copy)
        default:
            return value
        }
    }

    private func text(of reference: JSONObject, _ path: String) throws -> String {
        if let name = reference["env"]?.stringValue {
            guard let value = getenv(name) else {
                throw failure(path, "environment variable \(name) is not set", "export \(name)=… before the command")
            }
            return String(cString: value)
        }
        if let file = reference["file"]?.stringValue {
            let full = file.hasPrefix("/") ? file : folder + "/" + file
            guard let handle = fopen(full, "r") else {
                throw failure(
                    path, "file \(file) can't be read: \(String(cString: strerror(errno)))",
                    "check the path, which is relative to the catalog file's folder, and that you may read the file")
            }
            defer { fclose(handle) }
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = fread(&bytes, 1, bytes.count, handle)
            return SecretResolution.trimmed(String(decoding: bytes.prefix(count), as: UTF8.self))
        }
        if let command = reference["exec"]?.arrayValue?.compactMap(\.stringValue), !command.isEmpty {
            do {
                return SecretResolution.trimmed(try run(command))
            } catch {
                throw failure(path, "command \(command[0]) failed", "run it by hand to see why")
            }
        }
        throw failure(path, "it is neither a string nor {env}, {file} or {exec}", nil)
    }

    private static func trimmed(_ text: String) -> String {
        var text = text
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    private func failure(_ path: String, _ message: String, _ hint: String?) -> RunError {
        RunError(
            .needsOperator, operation: "resolve the secret", object: path, message: message, hint: hint, task: task)
    }
}

extension ChildProcess {
    /// Runs a command to its end; its standard output. Throws where it can't be started or exits with anything but 0.
    static func output(of command: [String]) throws -> String {
        let child = try ChildProcess(command[0], Array(command.dropFirst()), output: .pipe)
        let printed = child.everything()
        guard child.wait() == 0 else {
            throw RunError(.needsOperator, operation: "run", object: command[0], message: "it failed")
        }
        return printed
    }
}

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

    /// The config with every secret as a string, and decrypted by `sops` where that has encrypted it.
    /// A config that asks for a tunnel is refused: it must not connect directly.
    func resolve(_ config: JSONValue) throws -> JSONValue {
        if config["networkTunnel"]?["sshForwarding"] != nil {
            throw RunError(
                .needsOperator, operation: "connect", object: "networkTunnel.sshForwarding",
                message: "tunnels are not followed yet, and nothing connects around one",
                hint: "forward a port yourself (ssh -L) and set the address to it, without networkTunnel", task: task)
        }
        let decrypted = try SopsDecryption(task: task).decrypt(config)
        return try resolve(decrypted, isSecret: false, path: "")
    }

    private static let secretNames: Set<String> = ["password", "privateKey"]

    private func resolve(_ value: JSONValue, isSecret: Bool, path: String) throws -> JSONValue {
        switch value {
        case .object(let object):
            if isSecret { return .string(try text(of: object, path)) }
            var copy = JSONObject()
            for member in object.members {
                copy[member.key] = try resolve(
                    member.value, isSecret: SecretResolution.secretNames.contains(member.key),
                    path: path + "/" + member.key)
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

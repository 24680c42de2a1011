import Catalog
import Connectors
import Glibc
import JSON
import Postgres

/// Has the `sops` program decrypt a config that it has encrypted.
///
/// The values are decrypted in memory and in `sops` only: what is written to a file is the config as it is in the catalog.
/// Its MAC covers every value, so a config that was changed by hand after it was encrypted is refused.
struct SopsDecryption {
    /// The task whose config it is, for messages.
    let task: String

    /// The config decrypted: names have lost the suffix that marks what is encrypted, and `sops`' own part is gone.
    /// A config that `sops` has nothing to do with comes back as it is.
    func decrypt(_ config: JSONValue) throws -> JSONValue {
        guard let stanza = config["sops"]?.objectValue else { return config }
        let text = try output(JSONWriter.write(config, .compact))
        guard let decrypted = try? JSONValue(parsing: Array(text.utf8)), case .object(var object) = decrypted else {
            throw failure("it printed no JSON object", hint: "run sops --decrypt on the config to see what it prints")
        }
        object["sops"] = nil
        guard let suffix = stanza["encrypted_suffix"]?.stringValue, !suffix.isEmpty else { return .object(object) }
        return Self.renamed(.object(object), without: suffix)
    }

    /// A name that has the suffix loses it, unless nothing would be left of it.
    private static func renamed(_ value: JSONValue, without suffix: String) -> JSONValue {
        switch value {
        case .object(let object):
            var copy = JSONObject()
            for member in object.members {
                let isMarked = member.key.hasSuffix(suffix) && member.key != suffix
                let name = isMarked ? String(member.key.dropLast(suffix.count)) : member.key
                copy[name] = renamed(member.value, without: suffix)
            }
            return .object(copy)
        case .array(let items): return .array(items.map { renamed($0, without: suffix) })
        default: return value
        }
    }

    /// What `sops` makes of the text.
    private func output(_ text: String) throws -> String {
        let place = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(place)/flowctl-sops-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw failure("no folder can be made in \(place): \(String(cString: strerror(errno)))", hint: nil)
        }
        let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let (config, errors) = (folder + "/config.json", folder + "/errors")
        defer {
            unlink(config)
            unlink(errors)
            rmdir(folder)
        }
        let descriptor = open(config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        let isWritten = descriptor >= 0 && FileReplacement.writeAll(descriptor, text.utf8)
        let code = errno
        if descriptor >= 0 { close(descriptor) }
        guard isWritten else {
            throw failure("\(config) can't be written: \(String(cString: strerror(code)))", hint: nil)
        }
        let command = ["--decrypt", "--input-type", "json", "--output-type", "json", config]
        let child: ChildProcess
        do {
            child = try ChildProcess("sops", command, output: .pipe, errors: .file(errors))
        } catch {
            throw failure(
                "the program 'sops' can't be started", hint: "install sops, or put the secret elsewhere: { env: NAME }")
        }
        let printed = child.everything()
        guard child.wait() == 0 else {
            let said = (try? FileSystem.read(errors)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            throw failure(
                "it failed: \(Self.shortened(said))",
                hint: said.contains("MAC mismatch")
                    ? "the config was changed after it was encrypted: edit it with sops"
                    : "give sops its key, as in SOPS_AGE_KEY_FILE, and see that 'sops --decrypt' works by hand")
        }
        return printed
    }

    /// The first lines of what it said, in one; no values are in them.
    private static func shortened(_ text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            String(line.drop { $0 == " " || $0 == "|" || $0 == "-" })
        }
        let said = lines.filter { !$0.isEmpty && !$0.hasPrefix("[warning]") }.prefix(6).joined(separator: " ")
        return said.isEmpty ? "it says nothing" : String(said.prefix(400))
    }

    private func failure(_ message: String, hint: String?) -> RunError {
        RunError(
            .needsOperator, operation: "decrypt the config", object: "sops", message: message, hint: hint, task: task)
    }
}

extension ChildProcess {
    /// All that it prints until it closes its standard output, which is a pipe.
    func everything() -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(output, &piece, piece.count)
            if count > 0 {
                bytes += piece.prefix(count)
            } else if count < 0, errno == EAGAIN || errno == EINTR {
                var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
                _ = poll(&descriptor, 1, 1000)
            } else {
                break
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

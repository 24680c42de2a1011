import Connectors
import Glibc

/// Files read and written as a whole.
enum WholeFile {
    /// Throws a `RunError` that names the file.
    static func read(_ path: String) throws -> [UInt8] {
        let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("read", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            guard count > 0 || errno == EINTR else { throw failure("read", path) }
            if count > 0 { bytes += buffer.prefix(count) }
        }
    }

    /// Writes beside the file and renames: whoever reads it sees the old text or the new one. A link stays a link, and the
    /// file keeps its permissions.
    static func write(_ path: String, _ bytes: [UInt8]) throws {
        var target = path
        if let real = realpath(path, nil) {
            target = String(cString: real)
            free(real)
        }
        var status = stat()
        let mode = stat(target, &status) == 0 ? status.st_mode & 0o777 : 0o644
        let made = "\(target).\(getpid()).new"
        let descriptor = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("write", path) }
        do {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 || errno == EINTR else { throw failure("write", path) }
                rest = rest.dropFirst(max(0, count))
            }
            guard fsync(descriptor) == 0, fchmod(descriptor, mode) == 0, rename(made, target) == 0 else {
                throw failure("write", path)
            }
            close(descriptor)
        } catch {
            close(descriptor)
            unlink(made)
            throw error
        }
    }

    private static func failure(_ operation: String, _ path: String) -> RunError {
        RunError(.needsOperator, operation: operation, object: path, message: String(cString: strerror(errno)))
    }
}

/// Where an editor finds the catalog's JSON Schema from a file.
enum SchemaAddress {
    /// The first line of a catalog: the nearest `schemas/catalog.schema.json` of the folders above, else a file beside it
    /// that `flowctl schema` writes.
    static func modeline(for file: String) -> String {
        let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        var up = ""
        for _ in 0..<6 {
            let relative = up + "schemas/catalog.schema.json"
            let path = folder.isEmpty ? (file.hasPrefix("/") ? "/" : "") + relative : folder + "/" + relative
            if access(path, R_OK) == 0 { return line(relative) }
            up += "../"
        }
        return line("catalog.schema.json")
            + "\n# (flowctl schema > catalog.schema.json makes that file for your editor)"
    }

    private static func line(_ address: String) -> String { "# yaml-language-server: $schema=\(address)" }
}

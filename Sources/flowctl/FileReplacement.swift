import Glibc

/// Replaces a file's text in one step: whoever reads it sees the old text or the new, and so does the next start after a
/// crash.
enum FileReplacement {
    /// Why a file can't be read or written, in the system's words.
    struct Failure: Error {
        /// One sentence without a full stop.
        let message: String

        fileprivate init(_ path: String, _ code: Int32) {
            message = "'\(path)': \(String(cString: strerror(code)))"
        }

        fileprivate init(_ path: String, _ reason: String) {
            message = "'\(path)': \(reason)"
        }
    }

    /// The file's bytes; `-` is standard input.
    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path, errno) }
        defer { close(descriptor) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return result }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(path, errno)
            }
            result += buffer[..<count]
        }
    }

    /// Writes a file beside the old one and renames it over that. A symbolic link stays, and what it leads to is replaced;
    /// mode and, where the system allows it, owner stay.
    static func write(_ path: String, _ text: String) throws(Failure) {
        guard let real = realpath(path, nil) else { throw Failure(path, errno) }
        let target = String(cString: real)
        free(real)
        var status = stat()
        guard stat(target, &status) == 0 else { throw Failure(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(path, "it is no file") }
        guard access(target, W_OK) == 0 else { throw Failure(path, errno) }
        var template = Array("\(target).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Failure(path, errno) }
        let isWritten =
            writeAll(descriptor, text) && fchmod(descriptor, status.st_mode & 0o7777) == 0 && fsync(descriptor) == 0
        var code = errno
        _ = fchown(descriptor, status.st_uid, status.st_gid)
        close(descriptor)
        if isWritten {
            if rename(template, target) == 0 { return }
            code = errno
        }
        unlink(template)
        throw Failure(path, code)
    }

    /// Writes all of a text; false where the system refuses, with `errno` set.
    static func writeAll(_ descriptor: Int32, _ text: String) -> Bool {
        var bytes = ContiguousArray(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { return false }
            bytes = bytes.dropFirst(max(0, count))
        }
        return true
    }
}

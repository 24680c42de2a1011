import Glibc

/// Replaces a file's text in one step: whoever reads it sees the old text or the new, and so does the next start after a
/// crash.
enum FileReplacement {
    /// Why a file can't be written, in the system's words.
    struct Failure: Error {
        /// What follows "can't write it: ".
        let reason: String

        fileprivate init(_ reason: String) {
            self.reason = reason
        }

        fileprivate init(code: Int32) {
            reason = String(cString: strerror(code))
        }
    }

    /// Writes a file beside the old one, if there is one, and renames it over that. A symbolic link stays, and what it leads
    /// to is replaced; mode and, where the system allows it, owner stay. The new text has no name before it is whole, where
    /// the file system can do that: a process that is killed leaves nothing behind.
    static func write(_ path: String, _ bytes: some Collection<UInt8>) throws(Failure) {
        let target = real(path)
        var old = stat()
        let isThere = stat(target, &old) == 0
        if isThere {
            guard old.st_mode & S_IFMT == S_IFREG else { throw Failure("it is no file") }
            guard access(target, W_OK) == 0 else { throw Failure(code: errno) }
        }
        // The file's own mode comes last: until then nobody else may read what others must not.
        var (descriptor, name) = try create(beside: target, mode: isThere ? 0o600 : 0o666)
        var isWritten = writeAll(descriptor, bytes)
        if isWritten, isThere {
            _ = fchown(descriptor, old.st_uid, old.st_gid)
            isWritten = fchmod(descriptor, old.st_mode & 0o7777) == 0
        }
        isWritten = isWritten && fsync(descriptor) == 0
        if isWritten, name == nil { name = link(descriptor, beside: target) }
        if isWritten, let name, rename(name, target) == 0 {
            close(descriptor)
            return
        }
        let code = errno
        close(descriptor)
        if let name { unlink(name) }
        throw Failure(code: code)
    }

    /// Writes all of a text; false where the system refuses, with `errno` set.
    static func writeAll(_ descriptor: Int32, _ bytes: some Collection<UInt8>) -> Bool {
        var bytes = ContiguousArray(bytes)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { return false }
            bytes = bytes.dropFirst(max(0, count))
        }
        return true
    }

    private static func real(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// An empty file in the folder of another, without a name where the file system can do that.
    private static func create(
        beside target: String, mode: mode_t
    ) throws(Failure) -> (descriptor: Int32, name: String?) {
        let slash = target.lastIndex(of: "/")
        let folder = slash.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
        let unnamed = open(folder, nameless | O_WRONLY | O_CLOEXEC, mode)
        if unnamed >= 0 { return (unnamed, nil) }
        var descriptor: Int32 = -1
        let name = firstFreeName(beside: target) { name in
            descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
            return descriptor >= 0
        }
        guard let name else { throw Failure(code: errno) }
        return (descriptor, name)
    }

    /// O_TMPFILE, whose definition is too much for the importer: of the kernel's two bits one is the same everywhere.
    private static let nameless = 0o20_000_000 | O_DIRECTORY

    /// Gives a file that has none a name; nil where the system refuses, with `errno` set.
    private static func link(_ descriptor: Int32, beside target: String) -> String? {
        firstFreeName(beside: target) { name in
            linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0
        }
    }

    /// The first of some names that could be made; others may have been left by a process that was killed.
    private static func firstFreeName(beside target: String, _ make: (String) -> Bool) -> String? {
        for attempt in 0..<100 {
            let name = "\(target).\(getpid())-\(attempt)"
            if make(name) { return name }
            if errno != EEXIST { return nil }
        }
        return nil
    }
}

import Glibc

/// Secret text as a file that has no name any more: whoever needs a path opens it through its descriptor, and nothing of it
/// is left behind, whatever ends the process.
///
/// The name goes before the first byte of the text comes.
final class PrivateFile {
    let descriptor: Int32

    /// Throws a `PostgresError` where no folder takes a file.
    init(_ text: String, operation: String) throws {
        var made: Int32 = -1
        for folder in ["/dev/shm", getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp", "/tmp"] where made < 0 {
            made = PrivateFile.nameless(in: folder)
        }
        descriptor = made
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { write(made, $0.baseAddress, $0.count) }
            guard count > 0 else {
                throw PostgresError(
                    operation: operation, message: "a private file can't be made: \(String(cString: strerror(errno)))")
            }
            start += count
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Its path within this process, as long as the object lives.
    var path: String { "/proc/self/fd/\(descriptor)" }

    /// Its descriptor; -1 where the folder takes no file.
    private static func nameless(in folder: String) -> Int32 {
        let path = "\(folder)/.flowctl-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        let made = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if made >= 0 { unlink(path) }
        return made
    }
}

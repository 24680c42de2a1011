import Connectors
import Glibc
import JSON

/// The signals of a capture that never writes to its source: a file that only grows, a line a signal,
/// `{"id": "…", "type": "…", "data": {…}}`.
///
/// Whoever sends appends one whole line; the runner reads all lines as it begins and those that come later. A line is known by
/// its id, which each destination keeps: so it is taken once, whatever is restarted.
struct SignalFile: Sendable {
    let path: String

    /// Longer files are not read: somebody else's.
    private static let mostBytes = 64 << 20

    // MARK: - Sending

    /// Appends a line and waits until it is on disk. Throws `needsOperator` where the file can't be written.
    func append(_ signal: OperatorSignal) throws {
        try makeFolder()
        let descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        // One that appended and was killed can have left a line without its end.
        var last: UInt8 = UInt8(ascii: "\n")
        let size = lseek(descriptor, 0, SEEK_END)
        if size > 0 { _ = pread(descriptor, &last, 1, size - 1) }
        let object: JSONValue = ["id": .string(signal.id), "type": .string(signal.type), "data": signal.data]
        let line = (last == UInt8(ascii: "\n") ? "" : "\n") + JSONWriter.write(object) + "\n"
        let bytes = ContiguousArray(line.utf8)
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw failure(count < 0 ? errno : ENOSPC) }
        guard fsync(descriptor) == 0 else { throw failure(errno) }
    }

    private func makeFolder() throws {
        guard let slash = path.lastIndex(of: "/") else { return }
        let folder = String(path[..<slash])
        guard !folder.isEmpty, mkdir(folder, 0o755) != 0 else { return }
        let code = errno
        var found = stat()
        if stat(folder, &found) == 0, found.st_mode & S_IFMT == S_IFDIR { return }
        throw failure(code == EEXIST ? ENOTDIR : code)
    }

    /// A link as the file itself is not followed: whoever may write beside the catalog could have any file appended to.
    private func failure(_ code: Int32) -> RunError {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let message: String
        var hint = "the signals of a capture that is read-only lie in a file beside its catalog, which the runner reads"
        switch code {
        case ELOOP:
            message = "it is a symbolic link, which is not followed"
            hint += ": put the file itself in its place"
        case ENOTDIR:
            message = "\(folder) is no folder, or a link that leads to none"
            hint += ": remove what has this name"
        case EISDIR: message = "it is a folder"
        case EROFS, EACCES, EPERM:
            message = "\(String(cString: strerror(code))): nobody can send a signal by it"
            hint +=
                ": it must lie where who sends may write, and where the runner sees the same file. Where the catalog's folder "
            hint += "is mounted read-only, mount \(folder) writable into both"
        default: message = String(cString: strerror(code))
        }
        return RunError(.needsOperator, operation: "signal", object: "file \(path)", message: message, hint: hint)
    }

    // MARK: - Reading

    /// The whole lines from an offset on, and the offset after them. Nothing for a file that is not there; one that is shorter
    /// than the offset is read from its beginning.
    func notes(from offset: Int) throws -> (notes: [SignalNote], next: Int) {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return ([], 0) }
            throw failure(errno)
        }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size <= SignalFile.mostBytes else { throw failure(EFBIG) }
        var start = size < offset ? 0 : offset
        guard size > start else { return ([], start) }
        var bytes = [UInt8](repeating: 0, count: size - start)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled, off_t(start + filled))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            filled += count
        }
        var notes: [SignalNote] = []
        var line = 0
        for index in 0..<filled where bytes[index] == UInt8(ascii: "\n") {
            let text = bytes[line..<index]
            if !text.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t") }) {
                notes.append(note(Array(text), at: start + line))
            }
            line = index + 1
        }
        start += line
        return (notes, start)
    }

    /// What is no signal is passed on as one without a type, so that it is seen to have failed.
    private func note(_ line: [UInt8], at offset: Int) -> SignalNote {
        guard line.count <= SignalNote.mostBytes + 1024, let value = try? JSONValue(parsing: line),
            let id = value["id"]?.stringValue, !id.isEmpty, id.utf8.count <= 256,
            let type = value["type"]?.stringValue, type.utf8.count <= 256
        else {
            return SignalNote(place: "file/@\(offset)", id: "@\(offset)", type: "", data: nil)
        }
        var data: String?
        if let value = value["data"], value != .null { data = value.stringValue ?? JSONWriter.write(value) }
        return SignalNote(place: "file/\(id)", id: id, type: type, data: data)
    }
}

import Diagnostics
import Glibc
import YAML

/// Reads whole files. The one place of this room that touches a disk.
public enum FileSystem {
    /// Why a file can't be read, in the system's words.
    public struct Failure: Error {
        /// What follows "can't read it: ".
        public let reason: String
    }

    /// The folder that the program was started in.
    static let workingFolder: String = {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }()

    /// The most that a file may have, as its parser says; what never ends stops here too.
    private static let sizeLimit = DocumentLimits.standard.bytes

    /// Whether something has this name.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The file's bytes; `-` is standard input. Throws where it can't be opened, is a folder or a named pipe, or is too large.
    public static func read(_ path: String) throws(Failure) -> [UInt8] {
        if path == "-" { return try bytes(of: STDIN_FILENO) }
        if path.utf8.contains(0) { throw Failure(reason: "its name holds a zero byte") }
        if isNamedPipe(path) { throw Failure(reason: "it is a named pipe; give - and its text on standard input") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(reason: reason(errno)) }
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw Failure(reason: "it is a folder")
        }
        if status.st_size > sizeLimit { throw tooLarge }
        return try bytes(of: descriptor)
    }

    /// Whether opening it would wait for somebody who writes. What the shell passes on (`/dev/stdin`, `/dev/fd/63`) is open
    /// already.
    private static func isNamedPipe(_ path: String) -> Bool {
        if path.hasPrefix("/dev/") || path.hasPrefix("/proc/") { return false }
        var status = stat()
        guard let real = realpath(path, nil) else { return false }
        defer { free(real) }
        return !String(cString: real).hasPrefix("/proc/") && stat(real, &status) == 0
            && status.st_mode & S_IFMT == S_IFIFO
    }

    /// What tells two names of one file to be the same; the normalized path where the file is not there.
    static func identity(_ path: String) -> String {
        guard path != "-", let real = realpath(path, nil) else { return FilePath.normalize(path) }
        defer { free(real) }
        return String(cString: real)
    }

    private static let tooLarge = Failure(reason: "it is larger than \(sizeLimit >> 20) MiB")

    private static func bytes(of descriptor: Int32) throws(Failure) -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return result }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(reason: reason(errno))
            }
            result += buffer[..<count]
            if result.count > sizeLimit { throw tooLarge }
        }
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case ENOENT: "there is no such file"
        case EACCES, EPERM: "there is no permission to read it"
        default: String(cString: strerror(code))
        }
    }
}

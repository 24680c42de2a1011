import Glibc

/// What the machine runs: processes by their number (manual page proc(5)) and ports.
enum ProcessTable {
    /// The processes that a process started and that have not ended.
    static func children(of parent: Int32) -> [Int32] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [Int32] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let process = Int32(name), status(of: process)?.parent == parent { found.append(process) }
        }
        return found
    }

    /// Waits until none of them is left, half a minute at most. One that has ended but that nobody has waited for is not
    /// left.
    static func awaitEnd(of processes: [Int32]) {
        let start = ContinuousClock.now
        while processes.contains(where: isAlive), ContinuousClock.now - start < .seconds(30) { usleep(2_000) }
    }

    /// Waits until a process that was told to stop (SIGSTOP) does nothing any more, half a minute at most.
    static func awaitStop(of process: Int32) {
        let start = ContinuousClock.now
        while let state = status(of: process)?.state, state != "T", state != "Z", state != "X",
            ContinuousClock.now - start < .seconds(30)
        {
            usleep(1_000)
        }
    }

    static func isAlive(_ process: Int32) -> Bool {
        guard let state = status(of: process)?.state else { return false }
        return state != "Z" && state != "X"
    }

    private static func status(of process: Int32) -> (state: Substring, parent: Int32)? {
        let file = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = read(file, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        // The name before it, in parentheses, may hold anything.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let parent = Int32(fields[1]) else { return nil }
        return (fields[0], parent)
    }

    /// Whether a server could listen on the port of the loopback address.
    static func isFree(port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

import Foundation

/// A port of the loopback interface that takes connections and never says a word.
final class SilentServer {
    struct Failure: Error {
        let call: String
    }

    private let listener: Int32
    let port: Int

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound else { throw Failure(call: String(cString: strerror(errno))) }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(listener) }

    /// Whether somebody has connected by then.
    func waitForCaller(seconds: Int32) throws -> Bool {
        var waited = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        return poll(&waited, 1, seconds * 1000) == 1
    }
}

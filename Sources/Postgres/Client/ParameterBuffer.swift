import CLibPQ
import Glibc

/// The parameters of one statement, as text: copied into one block that is used again for the next statement, so that a
/// value costs a copy and no allocation. Used by one thread.
public final class ParameterBuffer {
    private var bytes: UnsafeMutablePointer<CChar>
    private var capacity: Int
    private var used = 0
    /// By parameter: where its text begins; -1 for NULL.
    private var offsets: [Int] = []
    private var pointers: [UnsafePointer<CChar>?] = []

    public init() {
        capacity = 4096
        bytes = .allocate(capacity: capacity)
    }

    deinit {
        bytes.deallocate()
    }

    public var count: Int { offsets.count }

    public func removeAll() {
        offsets.removeAll(keepingCapacity: true)
        used = 0
        guard capacity > 1 << 20 else { return }
        bytes.deallocate()
        capacity = 4096
        bytes = .allocate(capacity: capacity)
    }

    public func appendNull() {
        offsets.append(-1)
    }

    /// Appends a value that has no zero byte in it (no text of Postgres' has).
    public func append(_ value: UnsafeBufferPointer<UInt8>) {
        reserve(value.count + 1)
        if let start = value.baseAddress { memcpy(bytes + used, start, value.count) }
        end(value.count)
    }

    public func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    private func end(_ count: Int) {
        bytes[used + count] = 0
        offsets.append(used)
        used += count + 1
    }

    private func reserve(_ extra: Int) {
        guard used + extra > capacity else { return }
        let wanted = max(capacity * 2, used + extra)
        let larger = UnsafeMutablePointer<CChar>.allocate(capacity: wanted)
        memcpy(larger, bytes, used)
        bytes.deallocate()
        bytes = larger
        capacity = wanted
    }

    /// The values as libpq takes them; valid during the call.
    func withValues<Result>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result) -> Result {
        pointers.removeAll(keepingCapacity: true)
        for offset in offsets { pointers.append(offset < 0 ? nil : UnsafePointer(bytes + offset)) }
        return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}

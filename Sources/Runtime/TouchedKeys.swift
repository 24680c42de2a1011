import Connectors

/// Keys of an upsert table that the log has named since a sweep's chunk was opened: such rows are not for the sweep to
/// judge.
final class TouchedKeys {
    private(set) var keys: Set<[String]> = []
    /// Bytes of the keys, for the bound.
    private(set) var size = 0

    func insert(_ key: [[UInt8]?]) {
        let text = key.map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "" }
        guard keys.insert(text).inserted else { return }
        size += text.reduce(64) { $0 + $1.utf8.count + 32 }
    }
}

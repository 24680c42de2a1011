/// How many rows a chunk has.
///
/// - `backfill_chunk_size` set: exactly that many.
/// - Else it begins at 4096 and follows the clock: doubled while chunks take less than a quarter of a second, halved when
///   one takes more than a second or was given up, between 1024 and about a million rows, and never more than
///   `backfill_chunk_bytes` (64 MiB where unset) by the size of the rows seen.
struct ChunkSize: Sendable {
    static let first = 4096
    static let bounds = 1024...(1 << 20)
    static let defaultBytes = 64 << 20

    private let fixed: Int?
    private let mostBytes: Int
    private(set) var rows: Int

    init(fixed: Int?, bytes: Int?) {
        self.fixed = fixed
        mostBytes = bytes ?? ChunkSize.defaultBytes
        rows = fixed ?? ChunkSize.first
    }

    mutating func read(rows count: Int64, bytes: Int64, milliseconds: Int) {
        guard fixed == nil, count >= Int64(rows) else { return }
        if milliseconds < 250 { rows *= 2 }
        if milliseconds > 1000 { rows /= 2 }
        let fitting = bytes > 0 ? Int(Int64(mostBytes) * count / bytes) : rows
        rows = min(max(min(rows, fitting), 1), ChunkSize.bounds.upperBound)
        if fitting > ChunkSize.bounds.lowerBound { rows = max(rows, ChunkSize.bounds.lowerBound) }
    }

    var canShrink: Bool { fixed == nil && rows > ChunkSize.bounds.lowerBound }

    mutating func gaveUp() {
        guard fixed == nil else { return }
        rows = max(ChunkSize.bounds.lowerBound, rows / 2)
    }
}

import Connectors

/// The signal file as a session reads it: all that is in it, then what is appended.
struct SignalTail {
    /// How often it is looked at, in milliseconds.
    private static let interval: Int64 = 1_000

    let file: SignalFile
    private var offset = 0
    private var lastLook: Int64?
    private var isFailing = false

    init(file: SignalFile) {
        self.file = file
    }

    /// The signals that were appended since the last look; none where that was just now. `now` is in milliseconds. Where the
    /// file can't be read, `notice` hears of it once until it can.
    mutating func read(now: Int64, notice: (StatusFinding) -> Void) -> [SignalNote] {
        if let lastLook, now - lastLook < SignalTail.interval { return [] }
        lastLook = now
        do {
            let (notes, next) = try file.notes(from: offset)
            offset = next
            isFailing = false
            return notes
        } catch {
            if !isFailing { notice(StatusFinding(isFatal: false, message: "no signal arrives: \(error)")) }
            isFailing = true
            return []
        }
    }
}

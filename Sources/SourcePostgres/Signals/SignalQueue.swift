import Connectors

/// The signals of a link that are not ended, in the order in which they were taken, and the records that are to be written.
struct SignalQueue {
    private(set) var snapshots: [SnapshotSignal]
    /// Places of signals that came by another way than the log.
    private var taken: Set<String>
    /// Records that differ from what the destination has, by the order of their last change.
    private var changed: [SignalRecord] = []

    init(_ stored: StoredSignals = StoredSignals(), bindings: [LinkBinding] = []) {
        snapshots = stored.open.compactMap { SnapshotSignal($0, bindings: bindings) }
        taken = stored.taken
        for record in stored.open where !snapshots.contains(where: { $0.place == record.place }) {
            var record = record
            (record.state, record.error) = (.failed, "its record is not what this version writes")
            changed.append(record)
        }
    }

    /// Whether something will begin by itself that has not begun.
    var isWaiting: Bool {
        var paused: Set<Int> = []
        for item in snapshots.flatMap(\.items) {
            guard let binding = item.binding, !paused.contains(binding) else { continue }
            if item.state == .paused { paused.insert(binding) }
            if item.state == .queued { return true }
        }
        return false
    }

    var isEmpty: Bool { snapshots.isEmpty }
    var hasChanged: Bool { !changed.isEmpty }

    /// Whether a signal that can come again was taken before; notes that it is taken now.
    mutating func isKnown(_ note: SignalNote) -> Bool {
        guard note.place.hasPrefix("file/") else { return false }
        return !taken.insert(note.place).inserted
    }

    /// A record of which nothing more will come.
    mutating func add(ended record: SignalRecord) {
        write(record)
    }

    mutating func add(_ snapshot: SnapshotSignal) {
        write(snapshot.record)
        if !snapshot.state.isFinal { snapshots.append(snapshot) }
    }

    /// Changes an item; its signal's record is to be written.
    mutating func change(_ place: String, _ item: Int, _ body: (inout SnapshotSignal.Item) -> Void) {
        guard let index = snapshots.firstIndex(where: { $0.place == place }) else { return }
        body(&snapshots[index].items[item])
        write(snapshots[index].record)
        if snapshots[index].state.isFinal { snapshots.remove(at: index) }
    }

    /// The same for what the destination has already.
    mutating func note(_ snapshot: SnapshotSignal) {
        guard let index = snapshots.firstIndex(where: { $0.place == snapshot.place }) else { return }
        changed.removeAll { $0.place == snapshot.place }
        if snapshot.state.isFinal { snapshots.remove(at: index) } else { snapshots[index] = snapshot }
    }

    /// The signal that a binding is being read for, and the item in it.
    func reading(_ binding: Int) -> (snapshot: SnapshotSignal, item: Int)? {
        for snapshot in snapshots {
            if let item = snapshot.items.firstIndex(where: { $0.binding == binding && $0.isBegun }) {
                return (snapshot, item)
            }
        }
        return nil
    }

    mutating func takeChanged() -> [SignalRecord] {
        defer { changed = [] }
        return changed
    }

    private mutating func write(_ record: SignalRecord) {
        changed.removeAll { $0.place == record.place }
        changed.append(record)
    }
}

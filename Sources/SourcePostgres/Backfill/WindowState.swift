import Connectors
import JSON

/// Where a binding is in its window: `notBefore` and `notAfter`.
///
/// Rules, so that the same transaction is decided about alike in every run, and a mirrored table is what the source was at a
/// place of its log:
/// - The window opens at the first transaction of the log whose commit is not before `notBefore`, and is over at the first
///   one whose commit is after `notAfter`. All of what lies between them in the log is written, nothing else. Where the
///   window is, is kept with the link's checkpoint, so that a clock that is set back changes nothing.
/// - Present rows are read where the source's clock, looked at after the snapshot was taken, is in the window: the snapshot
///   sees nothing then that the log has behind the window's end. The first chunk outside of it ends the reading.
/// - A mirrored table with rows that were read has opened its window: a change that they lack goes on top of them,
///   whatever its time is.
struct WindowState: Equatable, Sendable {
    let window: TimeWindow
    private(set) var phase: TimeWindow.Phase
    /// Rows that the source has may be absent: they were not read, or changes of what was read were left out.
    var lacksRows = false

    /// A window that is begun with.
    init(_ window: TimeWindow) {
        self.window = window
        phase = window.notBefore == nil ? .open : .waiting
    }

    /// The window as the catalog has it now, of a table that was followed with another one perhaps. Another `notBefore` counts
    /// from now on; what is over stays so.
    init(_ window: TimeWindow?, after recorded: WindowState) {
        self.init(window ?? TimeWindow(notBefore: nil, notAfter: nil))
        if recorded.phase == .over || recorded.window.notBefore == window?.notBefore { phase = recorded.phase }
        lacksRows = recorded.lacksRows
    }

    /// Whether transactions were left out, as `notAfter` had passed, that a later one takes.
    func leftOut(by window: TimeWindow?) -> Bool {
        guard phase == .over, let end = self.window.notAfter else { return false }
        return window?.notAfter.map { $0 > end } ?? true
    }

    /// A transaction of this commit time begins. `hasRows`: some were read. Returns whether anything changed.
    mutating func passed(_ time: Int64, hasRows: Bool) -> Bool {
        guard phase != .over else { return false }
        let next = window.phase(at: time)
        if next == .over || phase == .waiting && next == .open {
            phase = next
            return true
        }
        guard phase == .waiting, hasRows, !lacksRows else { return false }
        lacksRows = true
        return true
    }

    /// Rows of a mirrored table were read.
    mutating func opened() {
        if phase == .waiting { phase = .open }
    }

    // MARK: - As it is kept

    /// Nil where the value is not what `json` writes.
    init?(_ value: JSONValue) {
        guard let phase = value["phase"]?.stringValue.flatMap(TimeWindow.Phase.init) else { return nil }
        window = TimeWindow(
            notBefore: value["notBefore"]?.intValue.map { Int64($0) },
            notAfter: value["notAfter"]?.intValue.map { Int64($0) })
        self.phase = phase
        lacksRows = value["lacks"]?.boolValue ?? false
    }

    var json: JSONValue {
        let bound: (Int64?) -> JSONValue = { $0.map { .int(Int($0)) } ?? .null }
        return [
            "phase": .string(phase.rawValue), "notBefore": bound(window.notBefore), "notAfter": bound(window.notAfter),
            "lacks": .bool(lacksRows),
        ]
    }
}

/// Gathers the diagnostics of a run, drops repeats, and gives them back in the order of the documents.
///
/// A value passed `inout` down the stages, so that a stage can be tried and its findings thrown away.
public struct DiagnosticCollector: Sendable {
    /// The most diagnostics kept; later ones are only counted, so that no input can fill the memory.
    public let limit: Int
    /// How many diagnostics came after the limit.
    public private(set) var suppressed = 0
    /// How many of the kept and suppressed ones are errors.
    public private(set) var errorCount = 0
    /// How many of the kept and suppressed ones are warnings.
    public private(set) var warningCount = 0
    /// Text that renderers mask wherever a snippet would show it.
    public private(set) var secrets: [SourceRange] = []

    private var items: [Diagnostic] = []
    private var places: [Place: Int] = [:]
    private var fileOrder: [SourceFile: Int] = [:]

    private struct Place: Hashable {
        let code: DiagnosticCode
        let message: String
        let range: SourceRange?
        let pointer: String?
    }

    /// The most notes that one diagnostic gathers from its repeats.
    private static let noteLimit = 8

    /// An empty collector.
    public init(limit: Int = 10_000) {
        self.limit = limit
    }

    /// Whether anything makes the catalog invalid.
    public var hasErrors: Bool { errorCount > 0 }
    /// Whether nothing was reported.
    public var isEmpty: Bool { items.isEmpty }

    /// Fixes a file's place in the order; a file not named here comes when its first diagnostic does.
    public mutating func add(_ file: SourceFile) {
        if fileOrder[file] == nil { fileOrder[file] = fileOrder.count }
    }

    /// Masks this text in every snippet, whichever diagnostic shows its line.
    public mutating func hide(_ range: SourceRange) {
        secrets.append(range)
    }

    /// Adds a diagnostic. One with the same code, message and place only adds its new notes to the first.
    public mutating func report(_ diagnostic: Diagnostic) {
        if let file = diagnostic.range?.file { add(file) }
        let place = Place(
            code: diagnostic.code, message: diagnostic.message, range: diagnostic.range,
            pointer: diagnostic.range == nil ? diagnostic.pointer : nil)
        if let known = places[place] {
            for note in diagnostic.notes where items[known].notes.count < Self.noteLimit {
                if !items[known].notes.contains(note) { items[known].notes.append(note) }
            }
            return
        }
        switch diagnostic.severity {
        case .error: errorCount += 1
        case .warning: warningCount += 1
        case .note: break
        }
        guard items.count < limit else {
            suppressed += 1
            return
        }
        places[place] = items.count
        items.append(diagnostic)
    }

    /// Adds several.
    public mutating func report(_ diagnostics: some Sequence<Diagnostic>) {
        for diagnostic in diagnostics { report(diagnostic) }
    }

    /// Adds all that another collector holds.
    public mutating func merge(_ other: DiagnosticCollector) {
        for (file, _) in other.fileOrder.sorted(by: { $0.value < $1.value }) { add(file) }
        secrets += other.secrets
        report(other.items)
        suppressed += other.suppressed
        errorCount += other.errorCount - other.items.count { $0.severity == .error }
        warningCount += other.warningCount - other.items.count { $0.severity == .warning }
    }

    /// What was reported: file by file in their order, within a file by place, then as reported.
    /// Those without a place come last.
    public var diagnostics: [Diagnostic] {
        let keys = items.enumerated().map { index, item -> (Int, Int, Int) in
            guard let range = item.range else { return (Int.max, 0, index) }
            return (fileOrder[range.file] ?? Int.max - 1, range.offsets.lowerBound, index)
        }
        return keys.sorted { $0 < $1 }.map { items[$0.2] }
    }
}

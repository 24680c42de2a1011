import Diagnostics

/// Byte offsets in the tree's own file.
struct Span: Sendable, Hashable {
    /// The first byte.
    var start: UInt32
    /// The byte after the last.
    var end: UInt32

    /// No place; it takes no more room than a place does.
    static let none = Span(Int(UInt32.max), Int(UInt32.max))

    /// From one byte up to another; empty where that is before it.
    init(_ start: Int, _ end: Int) {
        self.start = UInt32(clamping: start)
        self.end = UInt32(clamping: max(start, end))
    }

    /// The bytes of a range.
    init(_ range: Range<Int>) {
        self.init(range.lowerBound, range.upperBound)
    }

    /// The place in a file.
    func range(in file: SourceFile) -> SourceRange { SourceRange(file: file, offsets: Int(start)..<Int(end)) }
}

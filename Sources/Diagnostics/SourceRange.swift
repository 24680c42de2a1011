/// A stretch of one file's text. It stores byte offsets; lines and columns are worked out when asked for.
public struct SourceRange: Sendable, Hashable {
    /// The file that holds the text.
    public let file: SourceFile
    private let lower: UInt32
    private let upper: UInt32

    /// The bytes from `offsets.lowerBound` up to, not including, `offsets.upperBound`, cut to the file's size.
    public init(file: SourceFile, offsets: Range<Int>) {
        let count = file.bytes.count
        self.file = file
        self.lower = UInt32(clamping: min(max(offsets.lowerBound, 0), count))
        self.upper = UInt32(clamping: min(max(offsets.upperBound, 0), count))
    }

    /// The bytes' offsets in the file.
    public var offsets: Range<Int> { Int(lower)..<Int(upper) }
    /// Where the text begins.
    public var start: SourcePosition { file.position(at: Int(lower)) }
    /// Just after the text's last character.
    public var end: SourcePosition { file.position(at: Int(upper)) }
    /// The text itself. Never show it where it could be a secret.
    public var text: String { file.text(offsets) }

    /// From this range's start to another's end, where both are of one file; else this range.
    public func joined(to other: SourceRange) -> SourceRange {
        guard other.file === file else { return self }
        return SourceRange(file: file, offsets: min(Int(lower), Int(other.lower))..<max(Int(upper), Int(other.upper)))
    }
}

extension SourceRange: CustomStringConvertible {
    /// `path:line:column` of the start.
    public var description: String {
        let start = start
        return "\(file.path):\(start.line):\(start.column)"
    }
}

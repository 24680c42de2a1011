/// A place between two characters of a file, as editors count it.
public struct SourcePosition: Sendable, Hashable, Comparable {
    /// The line, from 1. A line ends at `\n`, `\r\n` or `\r`.
    public let line: Int
    /// The column, from 1, counted in Unicode scalars.
    public let column: Int
    /// The number of bytes before this place, from 0.
    public let offset: Int

    /// A position whose three counts the caller has worked out.
    public init(line: Int, column: Int, offset: Int) {
        self.line = line
        self.column = column
        self.offset = offset
    }

    /// Earlier in the file.
    public static func < (left: SourcePosition, right: SourcePosition) -> Bool { left.offset < right.offset }
}

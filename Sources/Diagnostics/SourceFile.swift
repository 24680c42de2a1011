/// The text of one file as it was read, and the table that turns byte offsets into lines and columns.
///
/// The bytes need not be valid UTF-8. Two files are equal when they are the same object.
public final class SourceFile: Sendable {
    /// The path to show: as the user gave it, or relative to the working folder; `-` is stdin.
    public let path: String
    /// The file's bytes, unchanged.
    public let bytes: [UInt8]
    /// Places some hundred bytes apart, so that a look-up reads few bytes and the table stays small.
    private let anchors: [Anchor]
    /// The number of lines; a file that ends with a line break has an empty last line.
    public let lineCount: Int

    private struct Anchor {
        let offset: UInt32
        let line: UInt32
        let column: UInt32
    }

    /// Bytes between two anchors.
    private static let stride = 512

    /// The most bytes that a file may have; offsets are 32 bits wide.
    public static let sizeLimit = Int(UInt32.max) - 1

    /// Takes the text and builds the table in one pass. Bytes after `sizeLimit` are dropped.
    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes.count <= Self.sizeLimit ? bytes : Array(bytes[..<Self.sizeLimit])
        (anchors, lineCount) = Self.makeAnchors(self.bytes)
    }

    /// A file from text, for tests and stdin.
    public convenience init(path: String, text: String) {
        self.init(path: path, bytes: Array(text.utf8))
    }

    private static func makeAnchors(_ bytes: [UInt8]) -> ([Anchor], lineCount: Int) {
        var anchors = [Anchor(offset: 0, line: 1, column: 1)]
        var walk = Walk(bytes, anchors[0])
        while walk.offset < bytes.count {
            walk.advance()
            let isStart = walk.offset < bytes.count && bytes[walk.offset] & 0xC0 != 0x80
            if isStart, walk.offset - Int(anchors[anchors.count - 1].offset) >= stride { anchors.append(walk.anchor) }
        }
        return (anchors, walk.line)
    }

    /// Counts lines and columns byte by byte.
    private struct Walk {
        let bytes: [UInt8]
        var offset: Int
        var line: Int
        var column: Int

        init(_ bytes: [UInt8], _ anchor: Anchor) {
            self.bytes = bytes
            offset = Int(anchor.offset)
            line = Int(anchor.line)
            column = Int(anchor.column)
        }

        var anchor: Anchor { Anchor(offset: UInt32(offset), line: UInt32(line), column: UInt32(column)) }

        /// Goes past the byte at `offset`, which must be there.
        mutating func advance() {
            let byte = bytes[offset]
            offset += 1
            if byte == 0x0A || (byte == 0x0D && !(offset < bytes.count && bytes[offset] == 0x0A)) {
                line += 1
                column = 1
            } else if offset == bytes.count || bytes[offset] & 0xC0 != 0x80 {
                column += 1
            }
        }
    }

    /// The position of a byte offset; an offset past the end is the end, one inside a character is its start.
    /// O(log size).
    public func position(at offset: Int) -> SourcePosition {
        let offset = min(max(offset, 0), bytes.count)
        var walk = Walk(bytes, anchors[lastAnchor { Int($0.offset) <= offset }])
        while walk.offset < offset { walk.advance() }
        return SourcePosition(line: walk.line, column: walk.column, offset: offset)
    }

    /// The byte offset of a line and column; a column past the line's end is the line's end.
    public func offset(line: Int, column: Int) -> Int {
        var walk = Walk(bytes, anchors[lastAnchor { (Int($0.line), Int($0.column)) <= (line, column) }])
        while walk.offset < bytes.count, (walk.line, walk.column) < (line, column) {
            let byte = bytes[walk.offset]
            if walk.line == line, byte == 0x0A || byte == 0x0D { break }
            walk.advance()
        }
        while walk.offset < bytes.count, bytes[walk.offset] & 0xC0 == 0x80 { walk.offset += 1 }
        return walk.offset
    }

    /// The bytes of a line from 1, without its line break; empty for a line that is not there.
    public func byteRange(ofLine line: Int) -> Range<Int> {
        guard line >= 1, line <= lineCount else { return bytes.count..<bytes.count }
        let start = offset(line: line, column: 1)
        // Only anchors of the line itself let the search for its end start later.
        var end = max(start, Int(anchors[lastAnchor { Int($0.line) <= line }].offset))
        while end < bytes.count, bytes[end] != 0x0A, bytes[end] != 0x0D { end += 1 }
        return start..<end
    }

    /// The range from one byte offset up to another.
    public func range(_ start: Int, _ end: Int) -> SourceRange {
        SourceRange(file: self, offsets: start..<max(start, end))
    }

    /// The text between two offsets; bytes that are not UTF-8 become U+FFFD.
    public func text(_ offsets: Range<Int>) -> String {
        String(decoding: bytes[offsets.clamped(to: 0..<bytes.count)], as: UTF8.self)
    }

    /// The last anchor that satisfies a predicate true for a prefix of the table; the first one always counts.
    private func lastAnchor(_ holds: (Anchor) -> Bool) -> Int {
        var low = 0
        var high = anchors.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if holds(anchors[middle]) { low = middle } else { high = middle }
        }
        return low
    }
}

extension SourceFile: Hashable {
    /// The same object.
    public static func == (left: SourceFile, right: SourceFile) -> Bool { left === right }

    /// Hashes the object's identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

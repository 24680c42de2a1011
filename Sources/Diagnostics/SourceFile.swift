/// The text of one file as it was read, and the table that turns byte offsets into lines and columns.
///
/// The bytes need not be valid UTF-8. Two files are equal when they are the same object.
public final class SourceFile: Sendable {
    /// The path to show: as the user gave it, or relative to the working folder; `-` is stdin.
    public let path: String
    /// The file's bytes, unchanged.
    public let bytes: [UInt8]
    /// Every line's start, and further places inside long lines, so that a look-up reads few bytes.
    private let anchors: [Anchor]

    private struct Anchor {
        let offset: UInt32
        let line: UInt32
        let column: UInt32
    }

    /// Bytes between two anchors of one line.
    private static let stride = 1024

    /// The most bytes that a file may have; offsets are 32 bits wide.
    public static let sizeLimit = Int(UInt32.max) - 1

    /// Takes the text and builds the table in one pass. Bytes after `sizeLimit` are dropped.
    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes.count <= Self.sizeLimit ? bytes : Array(bytes[..<Self.sizeLimit])
        self.anchors = Self.makeAnchors(self.bytes)
    }

    /// A file from text, for tests and stdin.
    public convenience init(path: String, text: String) {
        self.init(path: path, bytes: Array(text.utf8))
    }

    private static func makeAnchors(_ bytes: [UInt8]) -> [Anchor] {
        var anchors = [Anchor(offset: 0, line: 1, column: 1)]
        var line: UInt32 = 1
        var column: UInt32 = 1
        var last = 0
        bytes.withUnsafeBufferPointer { buffer in
            var index = 0
            while index < buffer.count {
                let byte = buffer[index]
                let isLoneReturn = byte == 0x0D && !(index + 1 < buffer.count && buffer[index + 1] == 0x0A)
                if byte == 0x0A || isLoneReturn {
                    line += 1
                    column = 1
                    last = index + 1
                    anchors.append(Anchor(offset: UInt32(last), line: line, column: 1))
                } else {
                    let isStart = byte & 0xC0 != 0x80
                    if isStart && index - last >= stride {
                        last = index
                        anchors.append(Anchor(offset: UInt32(index), line: line, column: column))
                    }
                    if isStart { column += 1 }
                }
                index += 1
            }
        }
        return anchors
    }

    /// The number of lines; a file that ends with a line break has an empty last line.
    public var lineCount: Int { Int(anchors.last?.line ?? 1) }

    /// The position of a byte offset; an offset past the end is the end. O(log lines).
    public func position(at offset: Int) -> SourcePosition {
        let offset = min(max(offset, 0), bytes.count)
        let anchor = anchors[lastAnchor { Int($0.offset) <= offset }]
        var column = Int(anchor.column)
        for index in Int(anchor.offset)..<offset where bytes[index] & 0xC0 != 0x80 { column += 1 }
        return SourcePosition(line: Int(anchor.line), column: column, offset: offset)
    }

    /// The byte offset of a line and column; a column past the line's end is the line's end.
    public func offset(line: Int, column: Int) -> Int {
        let range = byteRange(ofLine: line)
        let first = lastAnchor { (Int($0.line), Int($0.column)) <= (line, column) }
        var offset = max(Int(anchors[first].offset), range.lowerBound)
        var at = Int(anchors[first].line) == line ? Int(anchors[first].column) : 1
        while offset < range.upperBound && at < column {
            offset += 1
            while offset < range.upperBound && bytes[offset] & 0xC0 == 0x80 { offset += 1 }
            at += 1
        }
        return offset
    }

    /// The bytes of a line from 1, without its line break; empty for a line that is not there.
    public func byteRange(ofLine line: Int) -> Range<Int> {
        guard line >= 1, line <= lineCount else { return bytes.count..<bytes.count }
        let start = Int(anchors[lastAnchor { ($0.line, $0.column) <= (UInt32(line), 1) }].offset)
        let next = lastAnchor { Int($0.line) <= line } + 1
        var end = next < anchors.count ? Int(anchors[next].offset) : bytes.count
        while end > start && (bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D) { end -= 1 }
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

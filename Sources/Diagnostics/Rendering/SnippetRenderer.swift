/// Makes the line with the offending text and the carets below it.
///
/// What could be a secret is masked: the ranges that were named, and, since a file that does not parse
/// names none, what `SecretScan` finds.
struct SnippetRenderer: Sendable {
    /// Text to mask, of whichever file.
    let secrets: [SourceRange]

    /// A line to print, and what stands below it.
    struct Snippet {
        /// The line, without white space at its end.
        let line: String
        /// White space as wide as what stands before the offending text.
        let indent: String
        /// A caret for each column of the offending text, one at least.
        let carets: String
    }

    /// The most columns shown of a long line.
    private static let width = 160
    /// Columns shown before the carets of a line that is cut.
    private static let lead = 60
    /// Bytes looked at on both sides of the offending text.
    private static let reach = 2048

    /// The snippet of a range's first line; nil where the file has no such line.
    func render(_ range: SourceRange) -> Snippet? {
        let file = range.file
        let start = range.start
        let line = file.byteRange(ofLine: start.line)
        let window = max(line.lowerBound, start.offset - Self.reach)..<min(line.upperBound, start.offset + Self.reach)
        guard window.lowerBound <= window.upperBound else { return nil }
        var cells = Self.cells(of: file, in: window)
        mask(&cells, file: file, in: window)
        let first = cells.firstIndex { $0.offset >= start.offset } ?? cells.count
        let end = max(range.offsets.upperBound, start.offset)
        var last = cells[first...].firstIndex { $0.offset >= end } ?? cells.count
        if end > line.upperBound { last = cells.count }

        var from = 0
        var to = cells.count
        if cells.count > Self.width || window != line {
            from = first > Self.width - 20 ? first - Self.lead : 0
            to = min(cells.count, from + Self.width)
        }
        last = min(last, to)
        let cutLeft = from > 0 || window.lowerBound > line.lowerBound
        let cutRight = to < cells.count || window.upperBound < line.upperBound
        let text = (cutLeft ? "…" : "") + cells[from..<to].map(\.text).joined() + (cutRight ? "…" : "")
        let indent = (cutLeft ? " " : "") + cells[from..<first].map(\.blank).joined()
        let carets = cells[first..<max(first, last)].reduce(0) { $0 + $1.columns }
        return Snippet(line: Self.trimmed(text), indent: indent, carets: String(repeating: "^", count: max(1, carets)))
    }

    /// One character of a line: what is printed, and how wide it is.
    private struct Cell {
        let offset: Int
        let scalar: Unicode.Scalar
        var text: String
        var columns: Int
        var blank: String { text == "\t" ? "\t" : String(repeating: " ", count: columns) }
    }

    private static func cells(of file: SourceFile, in window: Range<Int>) -> [Cell] {
        var cells: [Cell] = []
        var offset = window.lowerBound
        while offset < window.upperBound && file.bytes[offset] & 0xC0 == 0x80 { offset += 1 }
        for scalar in file.text(offset..<window.upperBound).unicodeScalars {
            if scalar == "\t" {
                cells.append(Cell(offset: offset, scalar: scalar, text: "\t", columns: 1))
            } else if HumanRenderer.isControl(scalar) || scalar.value == 0xFEFF {
                cells.append(Cell(offset: offset, scalar: scalar, text: "\u{FFFD}", columns: 1))
            } else {
                cells.append(
                    Cell(offset: offset, scalar: scalar, text: String(scalar), columns: TerminalWidth.of(scalar)))
            }
            offset += 1
            while offset < window.upperBound && file.bytes[offset] & 0xC0 == 0x80 { offset += 1 }
        }
        return cells
    }

    private func mask(_ cells: inout [Cell], file: SourceFile, in window: Range<Int>) {
        for secret in secrets where secret.file === file && secret.offsets.overlaps(window) {
            for index in cells.indices where secret.offsets.contains(cells[index].offset) {
                cells[index].text = "•"
                cells[index].columns = 1
            }
        }
        for range in SecretScan(cells.map(\.scalar)).ranges {
            for index in range where !cells[index].scalar.properties.isWhitespace {
                cells[index].text = "•"
                cells[index].columns = 1
            }
        }
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}

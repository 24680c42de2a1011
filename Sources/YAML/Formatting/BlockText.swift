/// A scalar after `|` or `>` as it is written: what of its lines is text, and what is only empty lines behind it.
struct BlockText {
    /// The header to write it with, where its lines stand two spaces deeper than the collection around it.
    let header: String
    /// Its lines without their indentation and breaks. None is left out whose end counts.
    let lines: [String]
    /// Whether all empty lines behind it belong to it.
    let keepsEnd: Bool
    /// The byte after the text: the last line's break, or what follows that where empty lines belong to it.
    let end: Int

    /// Reads the scalar of a node that ends where libyaml says and knows the column of the collection around it.
    init(_ node: SyntaxNode, _ source: SourceLines) {
        let headEnd = source.lineEnd(node.contentStart)
        let head = source.bytes[node.contentStart..<headEnd].prefix {
            !SourceLines.isBlank($0) && $0 != UInt8(ascii: "#")
        }
        var found = headEnd < node.end ? Array(source.lines(headEnd..<node.end).dropFirst()) : []
        let indent = Self.indent(head, found, node.parentIndent)
        let isText = { (line: ArraySlice<UInt8>) in line.count > indent || line.contains { $0 != 0x20 } }
        var end = node.end
        // What stands behind the last break is a line only where it holds text: then the file ends in it, without a break,
        // and so does the value.
        let isCut = found.last.map(isText) ?? false
        if let last = found.last, !isCut {
            end = last.startIndex
            found.removeLast()
        }
        keepsEnd = !isCut && head.contains(UInt8(ascii: "+"))
        if !keepsEnd {
            while let last = found.last, !isText(last) { found.removeLast() }
            end = found.last?.endIndex ?? headEnd
        }
        self.end = end
        lines = found.map { line in
            String(decoding: line.dropFirst(min(indent, line.prefix { $0 == 0x20 }.count)), as: UTF8.self)
        }
        let first = lines.first { !$0.isEmpty }?.utf8.first
        header =
            (head.first == UInt8(ascii: ">") ? ">" : "|") + (first.map(SourceLines.isBlank) == true ? "2" : "")
            + (keepsEnd ? "+" : isCut || head.contains(UInt8(ascii: "-")) ? "-" : "")
    }

    /// The spaces before each line's text: as the header says, else as many as the first line with text has.
    private static func indent(
        _ head: ArraySlice<UInt8>, _ lines: [ArraySlice<UInt8>], _ parentIndent: Int
    ) -> Int {
        if let digit = head.first(where: { (0x31...0x39).contains($0) }) {
            return max(parentIndent, 0) + Int(digit - 0x30)
        }
        let first = lines.firstIndex { line in line.contains { $0 != 0x20 } } ?? lines.count
        let widths = lines[..<min(first + 1, lines.count)].map { $0.prefix { $0 == 0x20 }.count }
        return max(widths.max() ?? 0, parentIndent + 1, 1)
    }
}

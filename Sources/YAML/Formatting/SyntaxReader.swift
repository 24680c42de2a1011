/// Reads a text's values and comments as they are written, from libyaml's events and what stands between them.
///
/// The text must be one that `Document.parse` finds no fault in.
struct SyntaxReader {
    private let lines: SourceLines
    private var offsets: CharacterOffsets
    private var open: [(node: SyntaxNode, key: SyntaxNode?)] = []
    private var root: SyntaxNode?
    private var document = 0..<0
    /// Text that is no white space, punctuation or comment, in order.
    private var opaque: [Range<Int>] = []
    private var references: [String] = []
    private var lastEnd: Int

    private init(_ lines: SourceLines) {
        self.lines = lines
        offsets = CharacterOffsets(lines.bytes, base: lines.base)
        lastEnd = lines.base
    }

    /// The text's tree; nil where libyaml finds a fault.
    static func read(_ lines: SourceLines) -> SyntaxTree? {
        var reader = SyntaxReader(lines)
        guard EventReader.read(lines.bytes[lines.base...], { reader.visit($0) }) == nil else { return nil }
        return reader.tree()
    }

    private mutating func visit(_ event: EventReader.Event) -> Bool {
        let start = offsets.offset(event.start)
        let end = offsets.offset(event.end)
        switch event.kind {
        case .streamEnd: break
        case .documentStart: document = start..<end
        case .documentEnd: if end > start { opaque.append(start..<end) }
        case .alias(let name):
            references.append("*" + name)
            opaque.append(start..<end)
            add(
                SyntaxNode(
                    content: .alias(name), isFlow: false, anchor: nil, tag: nil, start: start, contentStart: start,
                    end: end))
        case .scalar(let value, let style):
            add(scalar(event, value, style, start, end))
        case .sequenceStart(let isFlow): openCollection(event, .sequence, isFlow, start)
        case .mappingStart(let isFlow): openCollection(event, .mapping, isFlow, start)
        case .sequenceEnd, .mappingEnd:
            guard let top = open.popLast() else { return false }
            top.node.end = top.node.isFlow ? end : top.node.entries.last?.value.end ?? top.node.contentStart
            add(top.node)
        }
        return true
    }

    private mutating func scalar(
        _ event: EventReader.Event, _ value: String, _ style: ScalarStyle, _ start: Int, _ end: Int
    ) -> SyntaxNode {
        let properties = readProperties(event, start, limit: end)
        var place = (start: start, content: properties.content, end: end)
        if !(value.isEmpty && style == .plain) {
            opaque.append(place.content..<end)
        } else if properties.last > start {
            place = (start, properties.last, properties.last)
        } else if open.last?.key != nil {
            // The mark of an absent value may stand behind comments that follow it.
            place = (lastEnd, lastEnd, lastEnd)
        }
        let node = SyntaxNode(
            content: .scalar(value: value, style: style, isImplicit: event.isPlainImplicit), isFlow: false,
            anchor: event.anchor, tag: properties.tag, start: place.start, contentStart: place.content, end: place.end)
        if style == .block { node.headerComment = headerComment(place.content) }
        lastEnd = max(lastEnd, place.end)
        return node
    }

    private mutating func openCollection(
        _ event: EventReader.Event, _ content: SyntaxNode.Content, _ isFlow: Bool, _ start: Int
    ) {
        let properties = readProperties(event, start, limit: lines.bytes.count)
        open.append(
            (
                SyntaxNode(
                    content: content, isFlow: isFlow, anchor: event.anchor, tag: properties.tag, start: start,
                    contentStart: properties.content, end: properties.content),
                nil
            ))
        if isFlow { lastEnd = max(lastEnd, properties.content + 1) }
    }

    private mutating func add(_ node: SyntaxNode) {
        lastEnd = max(lastEnd, node.end)
        guard let top = open.last else {
            root = node
            return
        }
        guard case .mapping = top.node.content else {
            top.node.entries.append(SyntaxEntry(key: nil, value: node, start: node.start))
            return
        }
        if let key = top.key {
            top.node.entries.append(SyntaxEntry(key: key, value: node, start: key.start))
            open[open.count - 1].key = nil
        } else {
            open[open.count - 1].key = node
        }
    }

    /// Anchor and tag before a node's content: the tag's text, where both end, and where the content begins.
    private mutating func readProperties(
        _ event: EventReader.Event, _ start: Int, limit: Int
    ) -> (tag: String?, last: Int, content: Int) {
        var tag: String?
        var last = start
        var at = start
        var waiting = (event.anchor == nil ? 0 : 1) + (event.tag == nil ? 0 : 1)
        if let anchor = event.anchor { references.append("&" + anchor) }
        while at < limit {
            let byte = lines.bytes[at]
            if SourceLines.isBreak(byte) || SourceLines.isBlank(byte) {
                at += 1
            } else if byte == UInt8(ascii: "#"), last > start {
                at = lines.lineEnd(at)
            } else if waiting > 0, byte == UInt8(ascii: "&") || byte == UInt8(ascii: "!") {
                let first = at
                if byte == UInt8(ascii: "&") {
                    at += 1 + (event.anchor?.utf8.count ?? 0)
                } else {
                    while at < limit, !isTagEnd(lines.bytes[at]) { at += 1 }
                    tag = lines.text(first..<at)
                }
                opaque.append(first..<at)
                last = at
                waiting -= 1
            } else {
                break
            }
        }
        if last > start { lastEnd = max(lastEnd, last) }
        return (tag, last, last == start ? start : at)
    }

    /// In a flow collection a tag also ends before a comma.
    private func isTagEnd(_ byte: UInt8) -> Bool {
        if SourceLines.isBreak(byte) || SourceLines.isBlank(byte) { return true }
        guard open.last?.node.isFlow == true else { return false }
        return byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}")
    }

    private func headerComment(_ content: Int) -> SourceComment? {
        let end = lines.lineEnd(content)
        guard let hash = lines.bytes[content..<end].firstIndex(of: UInt8(ascii: "#")) else { return nil }
        return comment(hash, end)
    }

    /// A comment. `text` is the end of the last text after `|` or `>` before it.
    private func comment(_ start: Int, _ lineEnd: Int, after text: Int = 0) -> SourceComment {
        var end = lineEnd
        while end > start, SourceLines.isBlank(lines.bytes[end - 1]) { end -= 1 }
        return SourceComment(
            text: lines.text(start..<end), offset: start, column: lines.column(start),
            lineIndent: lines.indent(start), isOwnLine: lines.isFirst(start),
            hasBlankBefore: lines.hasBlankBefore(start, after: text))
    }

    private mutating func tree() -> SyntaxTree {
        var comments: [SourceComment] = []
        var directives: [String] = []
        var hashes: [Range<Int>] = []
        var marks = Marks()
        var at = lines.base
        // Directives and what stands between them and `---`.
        let hasMarker = document.upperBound > document.lowerBound
        if hasMarker {
            while at < document.upperBound - 3 {
                let byte = lines.bytes[at]
                let end = lines.lineEnd(at)
                if byte == UInt8(ascii: "#") {
                    comments.append(comment(at, end))
                    at = end
                } else if byte == UInt8(ascii: "%") {
                    directives.append(comment(at, end).text)
                    at = end
                } else {
                    at += 1
                }
            }
            at = document.upperBound
        }
        let bodyStart = at
        for stretch in opaque + [lines.bytes.count..<lines.bytes.count] {
            while at < stretch.lowerBound {
                switch lines.bytes[at] {
                case UInt8(ascii: "#"):
                    let end = lines.lineEnd(at)
                    hashes.append(at..<end)
                    at = end
                    continue
                case UInt8(ascii: "-"): marks.dashes.append(at)
                case UInt8(ascii: "?"): marks.questions.append(at)
                default: break
                }
                at += 1
            }
            at = max(at, stretch.upperBound)
        }
        if let root { marks.place(root, lines, parentIndent: -1) }
        var texts = marks.textEnds[...]
        var text = 0
        for hash in hashes {
            while let next = texts.first, next <= hash.lowerBound { text = texts.removeFirst() }
            comments.append(comment(hash.lowerBound, hash.upperBound, after: text))
        }
        return SyntaxTree(
            root: root, comments: comments, directives: directives, hasMarker: hasMarker, bodyStart: bodyStart,
            references: references)
    }

    /// Where dashes and question marks stand, from which entries learn where they begin, and with that where the texts
    /// after `|` and `>` end.
    private struct Marks {
        var dashes: [Int] = []
        var questions: [Int] = []
        /// In the order of the texts.
        private(set) var textEnds: [Int] = []

        mutating func place(_ node: SyntaxNode, _ lines: SourceLines, parentIndent: Int) {
            node.parentIndent = parentIndent
            if node.isBlockScalar {
                let text = BlockText(node, lines)
                node.blockText = text
                node.end = text.end
                textEnds.append(text.end)
            }
            var last = node.contentStart
            var indent = parentIndent
            for (index, entry) in node.entries.enumerated() {
                if !node.isFlow {
                    let isItem = entry.key == nil
                    if let mark = first(isItem ? dashes : questions, from: last), mark <= entry.start {
                        entry.start = mark
                    }
                    if index == 0 {
                        node.contentStart = entry.start
                        indent = lines.column(entry.start)
                    }
                }
                entry.hasBlankBefore = lines.hasBlankBefore(entry.start, after: textEnds.last ?? 0)
                if let key = entry.key { place(key, lines, parentIndent: indent) }
                place(entry.value, lines, parentIndent: indent)
                last = max(last, entry.value.end)
            }
        }

        private func first(_ marks: [Int], from place: Int) -> Int? {
            var low = 0
            var high = marks.count
            while low < high {
                let middle = (low + high) / 2
                if marks[middle] < place { low = middle + 1 } else { high = middle }
            }
            return low < marks.count ? marks[low] : nil
        }
    }
}

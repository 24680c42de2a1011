import Diagnostics

/// Looks at the text around libyaml's marks, which are wider than the values themselves.
struct TextScan {
    private let file: SourceFile

    /// Looks at a file's text.
    init(_ file: SourceFile) {
        self.file = file
    }

    /// Splits a node's span into its tag and what follows anchor and tag.
    func skipProperties(_ event: EventReader.Event, _ span: Span) -> (tag: Span, rest: Span) {
        guard event.anchor != nil || event.tag != nil else { return (span, span) }
        let bytes = file.bytes
        // A collection's mark ends with its first token, so only a scalar's end holds.
        let end = if case .scalar = event.kind { Int(span.end) } else { bytes.count }
        var at = Int(span.start)
        var tag = span
        var rest = at
        while at < end {
            switch bytes[at] {
            case UInt8(ascii: "&"):
                at += 1
                while at < end, isAnchorPart(bytes[at]) { at += 1 }
                rest = at
            case UInt8(ascii: "!"):
                let start = at
                while at < end, !isSpace(bytes[at]) { at += 1 }
                tag = Span(start, at)
                rest = at
            case UInt8(ascii: "#"):
                while at < end, bytes[at] != 0x0A, bytes[at] != 0x0D { at += 1 }
            case let byte where isSpace(byte): at += 1
            default: return (tag, Span(at, max(at, Int(span.end))))
            }
        }
        return (tag, Span(rest, max(rest, Int(span.end))))
    }

    /// The span without the white space at its end.
    func trimmed(_ span: Span) -> Span {
        var end = min(Int(span.end), file.bytes.count)
        while end > Int(span.start), isSpace(file.bytes[end - 1]) { end -= 1 }
        return Span(Int(span.start), end)
    }

    /// The `#` that follows a value, or the header of one after `|` or `>`, without a space; nil where none does.
    func touchingComment(_ span: Span, isBlock: Bool) -> Span? {
        var at = isBlock ? Int(span.start) : Int(span.end)
        if isBlock {
            while at < Int(span.end), !isSpace(file.bytes[at]), file.bytes[at] != UInt8(ascii: "#") { at += 1 }
        }
        return at < file.bytes.count && file.bytes[at] == UInt8(ascii: "#") ? Span(at, at + 1) : nil
    }

    private func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    /// libyaml's anchors are of letters, digits, `-` and `_`.
    private func isAnchorPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// Prints a tree in the one style (docs/catalog.md says which).
struct SyntaxPrinter {
    /// Longer lines are broken where they can be.
    static let width = 120

    let lines: SourceLines
    var output = ""
    /// Characters on the line that is being written.
    private var column = 0
    /// Spaces that it began with.
    private var lineIndent = 0
    /// The line before is content whose end counts: no empty line may follow it.
    private var endCounts = false

    /// A printer of values of a text.
    init(_ lines: SourceLines) {
        self.lines = lines
    }

    /// How a value is printed.
    private enum Form {
        /// Behind the key, on its line.
        case inline(String)
        /// In quotes or without, over several lines.
        case broken
        /// After `|` or `>`.
        case blockScalar
        /// By indentation.
        case block
    }

    // MARK: Lines

    /// Begins a line; with an empty one before it where it is asked for and nothing forbids it.
    mutating func startLine(_ indent: Int, blank: Bool = false) {
        if !output.isEmpty {
            if column > 0 { output += "\n" }
            if blank && !endCounts { output += "\n" }
        }
        output += String(repeating: " ", count: indent)
        column = indent
        lineIndent = indent
        endCounts = false
    }

    /// Adds to the line.
    mutating func add(_ text: String) {
        output += text
        column += text.unicodeScalars.count
    }

    /// Ends the text.
    mutating func finish() -> String {
        if column > 0 { output += "\n" }
        return output
    }

    /// A comment on a line of its own.
    mutating func comment(_ comment: SourceComment, _ indent: Int, blank: Bool) {
        startLine(indent, blank: blank)
        add(comment.text)
    }

    /// A comment behind what the line holds: in its old column, moved with the line, where there is room.
    private mutating func trail(_ comment: SourceComment?, keepsColumn: Bool = true) {
        guard let comment else { return }
        let wanted = keepsColumn && comment.keepsColumn ? comment.column + lineIndent - comment.lineIndent : 0
        add(String(repeating: " ", count: max(1, min(wanted, Self.width) - column)) + comment.text)
    }

    // MARK: Values

    /// The whole value; `isApart` says whether an empty line comes before it.
    mutating func root(_ node: SyntaxNode, _ order: KeyOrder, isApart: Bool) {
        let form = form(node, column: 0)
        var heads = node.lead
        if node.isFlow {
            if case .block = form, let comment = node.trailing { heads.append(comment) }
            if node.entries.isEmpty { heads += node.after }
        }
        for (index, comment) in heads.enumerated() { self.comment(comment, 0, blank: index == 0 && isApart) }
        var isApart = isApart && heads.isEmpty
        if case .block = form {
            if !node.properties.isEmpty {
                startLine(0, blank: isApart)
                add(String(node.properties.dropLast()))
                isApart = false
            }
            entries(node, 0, order: order, isCompact: false, firstBlank: isApart)
        } else if !node.isAbsent {
            startLine(0, blank: isApart)
            value(node, form, parentIndent: node.isBlockScalar ? -1 : 0, isItem: true)
        }
        if node.isFlow && node.entries.isEmpty { return }
        for comment in node.after { self.comment(comment, 0, blank: comment.hasBlankBefore) }
    }

    private func form(_ node: SyntaxNode, column: Int) -> Form {
        let room = Self.width - column - node.properties.unicodeScalars.count
        switch node.content {
        case .alias(let name): return .inline("*" + name)
        case .scalar(_, let style, _):
            if style == .block { return .blockScalar }
            guard let text = node.lineText(lines, inFlow: false) else { return .broken }
            let isOneLine = !lines.isBroken(node.contentStart, node.end)
            return isOneLine || text.unicodeScalars.count <= room ? .inline(text) : .broken
        case .sequence, .mapping:
            guard node.isFlow else { return .block }
            if node.entries.isEmpty { return .inline(node.flowText(lines, room: room) ?? "[]") }
            return node.flowText(lines, room: room).map { .inline($0) } ?? .block
        }
    }

    /// A value behind its key or dash, whose text is already on the line.
    private mutating func value(_ node: SyntaxNode, _ form: Form, parentIndent: Int, isItem: Bool) {
        let start = column == lineIndent || isItem ? "" : " "
        switch form {
        case .inline(let text):
            let all = node.properties + text
            if !all.isEmpty { add(start + (text.isEmpty ? String(all.dropLast()) : all)) }
        case .broken:
            let found = node.brokenLines(lines)
            add(start + node.properties + (found.first ?? ""))
            for line in found.dropFirst() { startLine(line.isEmpty ? 0 : max(parentIndent + 2, 2), line: line) }
        case .blockScalar:
            guard let found = node.blockText else { break }
            add(start + node.properties + found.header)
            trail(node.headerComment)
            for line in found.lines {
                startLine(line.isEmpty ? 0 : (parentIndent < 0 ? 2 : parentIndent + 2), line: line)
            }
            endCounts = found.keepsEnd
        case .block: break
        }
        trail(node.trailing)
    }

    /// A line of content, which may be empty.
    private mutating func startLine(_ indent: Int, line: String) {
        output += "\n" + String(repeating: " ", count: indent) + line
        column = indent + line.unicodeScalars.count
        lineIndent = indent
        // An empty line is there already.
        if column == 0 { column = 1 }
    }

    // MARK: Entries

    /// What stands above an entry: comments with the empty lines before them, and whether one comes before the entry.
    private struct Above {
        var comments: [(comment: SourceComment, blank: Bool)] = []
        var blank = false

        /// Whether an empty line comes before all of it.
        mutating func setBlank(_ isApart: Bool) {
            if comments.isEmpty { blank = isApart } else { comments[0].blank = isApart }
        }
    }

    private func keyText(_ entry: SyntaxEntry) -> (text: String, isExplicit: Bool)? {
        guard let key = entry.key else { return nil }
        if case .alias(let name) = key.content { return ("*\(name) ", false) }
        guard !key.isAbsent, let text = key.lineText(lines, inFlow: false), text.utf8.count <= 900 else {
            return ("", true)
        }
        return (key.properties + text, false)
    }

    /// The column at which an entry's value begins.
    private func valueColumn(_ entry: SyntaxEntry, _ indent: Int) -> Int {
        guard let key = keyText(entry) else { return indent + 2 }
        return key.isExplicit ? indent + 2 : indent + key.text.unicodeScalars.count + 2
    }

    /// Whether an item's collection begins beside the dash.
    private func isCompact(_ entry: SyntaxEntry, _ form: Form) -> Bool {
        guard case .block = form else { return false }
        return entry.key == nil && entry.value.properties.isEmpty
    }

    /// Whether the comments within an empty collection move above it.
    private func hasHoistedEnd(_ node: SyntaxNode) -> Bool { node.isFlow && node.entries.isEmpty }

    private func above(_ entry: SyntaxEntry, _ indent: Int) -> Above {
        var above = Above(comments: entry.before.map { ($0, $0.hasBlankBefore) }, blank: entry.hasBlankBefore)
        let value = entry.value
        let form = form(value, column: valueColumn(entry, indent))
        var hoisted: [SourceComment] = []
        if case .block = form {
            if entry.key == nil {
                hoisted = value.lead + (value.isFlow ? value.trailing.map { [$0] } ?? [] : [])
                if isCompact(entry, form), let first = value.entries.first {
                    hoisted += self.above(first, indent + 2).comments.map(\.comment)
                }
            }
        } else {
            hoisted = value.lead + (hasHoistedEnd(value) ? value.after : [])
        }
        for comment in hoisted {
            above.comments.append((comment, above.blank))
            above.blank = false
        }
        return above
    }

    /// The entries of a collection. Where it is compact, the first one's line has begun, and what stands above it is printed.
    private mutating func entries(
        _ node: SyntaxNode, _ indent: Int, order: KeyOrder, isCompact: Bool, firstBlank: Bool = false
    ) {
        var wasTall = false
        for (index, entry) in node.entries.enumerated() {
            let form = form(entry.value, column: valueColumn(entry, indent))
            let isTall = if case .block = form { true } else { false }
            if index > 0 || !isCompact {
                var above = above(entry, indent)
                if index == 0 {
                    above.setBlank(firstBlank)
                } else if order.separatesSections, isTall || wasTall {
                    above.setBlank(true)
                }
                for item in above.comments { comment(item.comment, indent, blank: item.blank) }
                startLine(indent, blank: above.blank)
            }
            wasTall = isTall
            self.entry(entry, form, indent, order: order.order(under: entry.name))
        }
    }

    private mutating func entry(_ entry: SyntaxEntry, _ form: Form, _ indent: Int, order: KeyOrder) {
        let value = entry.value
        guard let key = keyText(entry) else {
            add("-")
            guard case .block = form else {
                if !isNothing(value, form) { add(" ") }
                self.value(value, form, parentIndent: indent, isItem: true)
                return
            }
            if isCompact(entry, form) {
                add(" ")
                // The first entry's comments stand above the dash.
                entries(value, indent + 2, order: order, isCompact: true)
            } else {
                add(" " + String(value.properties.dropLast()))
                entries(value, indent + 2, order: order, isCompact: false)
            }
            ending(value, indent + 2)
            return
        }
        if key.isExplicit, let node = entry.key {
            add(node.isAbsent ? "?" : "? ")
            self.value(node, self.form(node, column: indent + 2), parentIndent: indent, isItem: true)
            startLine(indent)
            add(":")
        } else {
            add(key.text + ":")
        }
        guard case .block = form else {
            self.value(value, form, parentIndent: indent, isItem: false)
            return
        }
        if !value.properties.isEmpty { add(" " + String(value.properties.dropLast())) }
        let heads = value.lead + (value.isFlow ? value.trailing.map { [$0] } ?? [] : [])
        trail(heads.first, keepsColumn: !value.isFlow)
        for comment in heads.dropFirst() { self.comment(comment, indent + 2, blank: false) }
        entries(value, indent + 2, order: order, isCompact: false)
        ending(value, indent + 2)
    }

    /// The comments at a collection's end.
    private mutating func ending(_ node: SyntaxNode, _ indent: Int) {
        for comment in node.after { self.comment(comment, indent, blank: comment.hasBlankBefore) }
    }

    private func isNothing(_ node: SyntaxNode, _ form: Form) -> Bool {
        if case .inline("") = form { node.properties.isEmpty } else { false }
    }
}

/// What stands before a text's first entry: the editors' modeline, comments about the whole file, directives.
struct Head {
    /// Comments that belong to the first entry.
    let rest: [SourceComment]
    private let own: [SourceComment]
    private let isApart: Bool
    private let hasModeline: Bool

    /// Divides the comments before the first entry. Those up to the last empty line, the marker `---` or the modeline are
    /// about the file.
    init(_ comments: [SourceComment], _ tree: SyntaxTree, _ lines: SourceLines) {
        let root = tree.root.flatMap { $0.isAbsent ? nil : $0 }
        let firstBlank = root.map { lines.hasBlankBefore(min($0.start, $0.contentStart)) } ?? false
        var count = 0
        for (index, comment) in comments.enumerated() {
            let isFollowedByBlank =
                index + 1 < comments.count ? comments[index + 1].hasBlankBefore : firstBlank || root == nil
            if isFollowedByBlank || comment.offset < tree.bodyStart || Self.isModeline(comment.text)
                || Self.isBehindMarker(comment, tree)
            {
                count = index + 1
            }
        }
        own = Array(comments[..<count])
        rest = Array(comments[count...])
        isApart = count < comments.count ? comments[count].hasBlankBefore : firstBlank
        hasModeline = tree.comments.contains { Self.isModeline($0.text) }
    }

    /// Prints it. What follows is apart from it by an empty line or not: this is returned.
    func print(_ printer: inout SyntaxPrinter, _ tree: SyntaxTree) -> Bool {
        let count = own.firstIndex { $0.offset >= tree.bodyStart } ?? own.count
        for comment in own[..<count] { printer.comment(comment, 0, blank: comment.hasBlankBefore) }
        for directive in tree.directives {
            printer.startLine(0)
            printer.add(directive)
        }
        if tree.hasMarker {
            printer.startLine(0)
            printer.add("---")
        }
        for comment in own[count...] {
            if Self.isBehindMarker(comment, tree) {
                printer.add(" " + comment.text)
            } else {
                printer.comment(comment, 0, blank: comment.hasBlankBefore)
            }
        }
        return isApart
    }

    /// The whole text, modelines on its first lines wherever the order of the entries has left them.
    func finish(_ printer: inout SyntaxPrinter) -> String {
        let text = printer.finish()
        return hasModeline ? Self.raisingModelines(text) : text
    }

    /// A comment of the marker's line.
    private static func isBehindMarker(_ comment: SourceComment, _ tree: SyntaxTree) -> Bool {
        tree.hasMarker && comment.offset >= tree.bodyStart && !comment.isOwnLine
    }

    private static func isModeline(_ line: some StringProtocol) -> Bool { line.hasPrefix("# yaml-language-server:") }

    /// Only what stands before the first content is looked at. No two empty lines follow each other, and none stands where
    /// none is printed: at the beginning, before a directive or the marker, at the end.
    private static func raisingModelines(_ text: String) -> String {
        var modelines: [Substring] = []
        var others: [Substring] = []
        var rest = text[...]
        while let end = rest.firstIndex(of: "\n") {
            let line = rest[..<end]
            let isMark = line.hasPrefix("%") || line == "---" || line.hasPrefix("--- #")
            guard isMark || line.isEmpty || line.hasPrefix("#") else { break }
            rest = rest[end...].dropFirst()
            if isModeline(line) {
                modelines.append(line)
                continue
            }
            if others.last?.isEmpty == true, isMark || line.isEmpty { others.removeLast() }
            others.append(line)
        }
        if rest.isEmpty, others.last?.isEmpty == true { others.removeLast() }
        return (modelines + others).map { $0 + "\n" }.joined() + rest
    }
}

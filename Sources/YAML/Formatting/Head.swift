/// What stands before a text's first entry: the editors' modeline, comments about the whole file, directives.
struct Head {
    /// Comments that belong to the first entry.
    let rest: [SourceComment]
    private let modelines: [SourceComment]
    private let own: [SourceComment]
    private let isApart: Bool

    /// Divides the comments before the first entry. Those up to the last empty line, the marker `---` or the modeline are
    /// about the file.
    init(_ comments: [SourceComment], _ tree: SyntaxTree) {
        let isModeline = { (comment: SourceComment) in comment.text.hasPrefix("# yaml-language-server:") }
        let firstBlank = tree.root?.entries.first?.hasBlankBefore ?? true
        var count = 0
        for (index, comment) in comments.enumerated() {
            let isFollowedByBlank =
                index + 1 < comments.count ? comments[index + 1].hasBlankBefore : firstBlank || tree.root == nil
            if isFollowedByBlank || comment.offset < tree.bodyStart || isModeline(comment) { count = index + 1 }
        }
        let head = comments[..<count]
        modelines = head.filter(isModeline)
        own = head.filter { !isModeline($0) }
        rest = Array(comments[count...])
        isApart = count < comments.count ? comments[count].hasBlankBefore : firstBlank
    }

    /// Prints it. What follows is apart from it by an empty line or not: this is returned.
    func print(_ printer: inout SyntaxPrinter, _ tree: SyntaxTree) -> Bool {
        for comment in modelines { printer.comment(comment, 0, blank: false) }
        for (index, comment) in own.enumerated() {
            printer.comment(comment, 0, blank: comment.hasBlankBefore && !(index == 0 && modelines.isEmpty))
        }
        for directive in tree.directives {
            printer.startLine(0)
            printer.add(directive)
        }
        if tree.hasMarker {
            printer.startLine(0)
            printer.add("---")
        }
        return isApart
    }
}

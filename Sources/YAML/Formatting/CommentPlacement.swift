/// Gives every comment to the value or entry that it describes, going through both in the order of the text.
///
/// A comment behind a value on its line is that value's. One on a line of its own belongs to the entry that follows, unless
/// it is indented deeper than that: then it ends the collection whose indentation it has.
struct CommentPlacement {
    private let lines: SourceLines
    private let comments: [SourceComment]
    private var next: Int

    /// Places all comments of a tree but those that stand before the first entry of the root, which it returns.
    static func run(_ tree: SyntaxTree, _ lines: SourceLines) -> [SourceComment] {
        var placement = CommentPlacement(lines: lines, comments: tree.comments, next: 0)
        let first = tree.root.map { $0.contentStart } ?? lines.bytes.count
        let head = placement.take(before: first)
        if let root = tree.root {
            placement.place(root, parentColumn: -1, follower: -1, limit: lines.bytes.count)
            root.after += placement.take(before: lines.bytes.count)
        }
        return head
    }

    private mutating func take(before offset: Int) -> [SourceComment] {
        let start = next
        while next < comments.count, comments[next].offset < offset { next += 1 }
        return Array(comments[start..<next])
    }

    /// A value whose lead has been taken: what is in it and behind it. `follower` is the column of the next entry around
    /// it, -1 where there is none, `limit` where that begins.
    private mutating func place(_ node: SyntaxNode, parentColumn: Int, follower: Int, limit: Int) {
        if node.isFlow {
            placeFlow(node)
        } else if node.isCollection {
            placeBlock(node, parentColumn, follower, limit)
            return
        }
        if let comment = comment(behind: node, before: limit) { node.trailing = comment }
    }

    private mutating func placeBlock(_ node: SyntaxNode, _ parentColumn: Int, _ follower: Int, _ limit: Int) {
        let column = lines.column(node.contentStart)
        for (index, entry) in node.entries.enumerated() {
            let isLast = index + 1 == node.entries.count
            entry.before += take(before: entry.start)
            let value = entry.value
            if value.isBlockCollection {
                while next < comments.count, !comments[next].isOwnLine, comments[next].offset < value.contentStart {
                    value.lead.append(comments[next])
                    next += 1
                }
            } else {
                value.lead = take(before: value.contentStart)
            }
            place(
                value, parentColumn: column, follower: isLast ? follower : column,
                limit: isLast ? limit : node.entries[index + 1].start)
        }
        while next < comments.count, comments[next].offset < limit, comments[next].column >= column,
            comments[next].column > max(parentColumn, follower)
        {
            node.after.append(comments[next])
            next += 1
        }
    }

    /// Within brackets a comment belongs to the entry before it on its line, else to the one that follows.
    private mutating func placeFlow(_ node: SyntaxNode) {
        for entry in node.entries {
            entry.before += loose(take(before: entry.key?.contentStart ?? entry.value.contentStart))
            entry.before += loose(take(before: entry.value.contentStart))
            if entry.value.isFlow { placeFlow(entry.value) }
            entry.value.trailing = comment(behind: entry.value, before: node.end).map { loose([$0])[0] }
        }
        node.after = loose(take(before: node.end))
    }

    private func loose(_ comments: [SourceComment]) -> [SourceComment] {
        comments.map { comment in
            var comment = comment
            comment.keepsColumn = false
            return comment
        }
    }

    /// The next comment, where nothing but white space and a comma stands between it and the node's end on one line.
    private mutating func comment(behind node: SyntaxNode, before limit: Int) -> SourceComment? {
        guard next < comments.count, comments[next].offset < limit, !comments[next].isOwnLine,
            comments[next].offset >= node.end, !node.isBlockScalar, isBeside(comments[next], node)
        else { return nil }
        next += 1
        return comments[next - 1]
    }
    /// An absent value may end before its colon, and that may be on the next line.
    private func isBeside(_ comment: SourceComment, _ node: SyntaxNode) -> Bool {
        var at = node.end
        while at < comment.offset {
            let byte = lines.bytes[at]
            let isSign =
                byte == UInt8(ascii: ",")
                || (node.isAbsent && (byte == UInt8(ascii: ":") || SourceLines.isBreak(byte)))
            guard isSign || SourceLines.isBlank(byte) else { return false }
            at += 1
        }
        return true
    }
}

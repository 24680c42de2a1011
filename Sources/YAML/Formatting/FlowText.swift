extension SyntaxNode {
    /// The text of a value within brackets on one line, without its own anchor and tag; nil where it holds a comment, needs
    /// several lines, or takes more than `room` characters.
    func flowText(_ lines: SourceLines, room: Int) -> String? {
        var text = ""
        guard add(to: &text, lines, limit: room, isOuter: true), text.unicodeScalars.count <= room else { return nil }
        return text
    }

    private func add(to text: inout String, _ lines: SourceLines, limit: Int, isOuter: Bool) -> Bool {
        if !isOuter {
            guard lead.isEmpty, trailing == nil else { return false }
            text += properties
        }
        switch content {
        case .alias(let name): text += "*" + name
        case .scalar:
            guard let own = lineText(lines, inFlow: true) else { return false }
            if own.isEmpty, !properties.isEmpty { text.removeLast() }
            text += own
        case .sequence, .mapping:
            // The comments of an empty one at the outside move above it.
            if entries.isEmpty ? !isOuter && !after.isEmpty : !after.isEmpty { return false }
            let isMapping = if case .mapping = content { true } else { false }
            text += isMapping ? "{" : "["
            for (index, entry) in entries.enumerated() {
                guard entry.before.isEmpty else { return false }
                text += index > 0 ? ", " : isMapping ? " " : ""
                if let key = entry.key {
                    guard key.add(to: &text, lines, limit: limit, isOuter: false) else { return false }
                    let isAlias = if case .alias = key.content { true } else { false }
                    let hasName = key.anchor != nil || key.tag != nil
                    if entry.value.isAbsent, !isAlias, !hasName, !key.isAbsent { continue }
                    if key.isAbsent { text += "?" }
                    text += isAlias || key.isAbsent || (entry.name == "" && hasName) ? " : " : ": "
                }
                guard entry.value.add(to: &text, lines, limit: limit, isOuter: false) else { return false }
                // A look at the bytes is enough to give up early on.
                if text.utf8.count > 8 * limit + 8 { return false }
            }
            if isMapping && !entries.isEmpty { text += " " }
            text += isMapping ? "}" : "]"
        }
        return true
    }
}

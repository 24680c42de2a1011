/// A value as it is written: with its style, anchor, tag and comments. Made by `SyntaxReader`, arranged and printed by one
/// thread.
final class SyntaxNode {
    /// What is written.
    enum Content {
        /// `*name`.
        case alias(String)
        /// A scalar with its decoded value.
        case scalar(value: String, style: ScalarStyle, isImplicit: Bool)
        /// Items.
        case sequence
        /// Members.
        case mapping
    }

    /// What is written.
    let content: Content
    /// Braces or brackets.
    let isFlow: Bool
    /// The name after `&`.
    let anchor: String?
    /// The tag as it is written.
    let tag: String?
    /// The first byte, of anchor or tag where there is one.
    var start: Int
    /// The first byte after anchor and tag.
    var contentStart: Int
    /// The byte after the last.
    var end: Int
    /// Items, or members with their keys.
    var entries: [SyntaxEntry] = []
    /// Comments between the key or dash and this. Of a block collection only those beside the key.
    var lead: [SourceComment] = []
    /// The comment behind it on its last line.
    var trailing: SourceComment?
    /// Comments behind a collection's last entry, on lines of their own.
    var after: [SourceComment] = []
    /// The comment behind `|` or `>`.
    var headerComment: SourceComment?
    /// The lines after `|` or `>`.
    var blockText: BlockText?
    /// The column of the collection around it in the source, -1 where there is none.
    var parentIndent = -1

    /// A value without comments and entries yet.
    init(content: Content, isFlow: Bool, anchor: String?, tag: String?, start: Int, contentStart: Int, end: Int) {
        self.content = content
        self.isFlow = isFlow
        self.anchor = anchor
        self.tag = tag
        self.start = start
        self.contentStart = contentStart
        self.end = end
    }

    /// Whether it is a list or a mapping.
    var isCollection: Bool {
        switch content {
        case .sequence, .mapping: true
        default: false
        }
    }

    /// Whether it is a list or a mapping by indentation.
    var isBlockCollection: Bool { isCollection && !isFlow }

    /// Whether nothing at all is written.
    var isAbsent: Bool {
        if case .scalar("", .plain, _) = content { anchor == nil && tag == nil } else { false }
    }

    /// Whether it is a scalar after `|` or `>`.
    var isBlockScalar: Bool {
        if case .scalar(_, .block, _) = content { true } else { false }
    }

    /// Anchor and tag with a space after each.
    var properties: String { (anchor.map { "&\($0) " } ?? "") + (tag.map { "\($0) " } ?? "") }
}

/// An item of a list, or a member of a mapping.
final class SyntaxEntry {
    /// The member's key; nil for an item.
    let key: SyntaxNode?
    /// The value.
    var value: SyntaxNode
    /// The byte of the dash, the question mark, or the key's first.
    var start: Int
    /// Comments before it.
    var before: [SourceComment] = []
    /// An empty line stands before it, after its comments.
    var hasBlankBefore = false

    /// An entry at its place.
    init(key: SyntaxNode?, value: SyntaxNode, start: Int) {
        self.key = key
        self.value = value
        self.start = start
    }

    /// The key's text, where it is a plain name.
    var name: String? {
        if case .scalar(let value, _, _)? = key?.content { value } else { nil }
    }
}

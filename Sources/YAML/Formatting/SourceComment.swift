/// A comment with what its place in the text tells about what it belongs to.
struct SourceComment {
    /// From the `#` to the line's end, white space at the end left out.
    let text: String
    /// The byte of the `#`.
    let offset: Int
    /// Characters of its line before it.
    let column: Int
    /// Spaces that its line begins with.
    let lineIndent: Int
    /// Nothing but white space stands before it on its line.
    let isOwnLine: Bool
    /// An empty line stands before its line.
    let hasBlankBefore: Bool
    /// Its column is worth keeping: the line it ends is written again as a line.
    var keepsColumn = true
}

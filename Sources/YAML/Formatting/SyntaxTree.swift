/// A whole text as it is written.
struct SyntaxTree {
    /// The value; nil where there is none.
    var root: SyntaxNode?
    /// All comments in order, those behind `|` and `>` left out.
    var comments: [SourceComment]
    /// Directives in order, each a line.
    var directives: [String]
    /// Whether `---` is written.
    var hasMarker: Bool
    /// The byte after `---`, or the first one.
    var bodyStart: Int
    /// The names after `&` and `*` in order, for comparisons.
    var references: [String]
}

/// A parsed regular expression.
indirect enum PatternTree: Sendable {
    /// One character.
    case scalar(Unicode.Scalar)
    /// One character of a set.
    case set(ScalarSet)
    /// One part after the other.
    case sequence([PatternTree])
    /// Any of several parts.
    case alternatives([PatternTree])
    /// At least `min` and at most `max` times, nil is without bound; as often as possible, or as seldom where lazy.
    case repetition(PatternTree, min: Int, max: Int?, isLazy: Bool)
    /// `(…)` or `(?<name>…)`, counted from 1 by their opening brackets.
    case group(PatternTree, number: Int)
    /// `\1` or `\k<name>`: what the group of this number took, or nothing where it took nothing.
    case backReference(Int)
    /// `^`.
    case start
    /// `$`.
    case end
    /// `\b`, or `\B` where negated.
    case wordBoundary(isNegated: Bool)
    /// `(?=…)`, `(?!…)`, `(?<=…)` or `(?<!…)`.
    case look(PatternTree, isAhead: Bool, isNegated: Bool)

    /// The numbers of the groups within.
    var groups: [Int] {
        switch self {
        case .group(let tree, let number): [number] + tree.groups
        default: parts.flatMap(\.groups)
        }
    }

    /// Whether a back reference is within.
    var hasBackReferences: Bool {
        if case .backReference = self { return true }
        return parts.contains(where: \.hasBackReferences)
    }

    private var parts: [PatternTree] {
        switch self {
        case .sequence(let parts), .alternatives(let parts): parts
        case .repetition(let tree, _, _, _), .group(let tree, _), .look(let tree, _, _): [tree]
        case .scalar, .set, .backReference, .start, .end, .wordBoundary: []
        }
    }
}

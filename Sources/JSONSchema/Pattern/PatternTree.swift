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
    /// At least `min` and at most `max` times; nil is without bound.
    case repetition(PatternTree, min: Int, max: Int?)
    /// `^`.
    case start
    /// `$`.
    case end
    /// `\b`, or `\B` where negated.
    case wordBoundary(isNegated: Bool)
    /// `(?=…)`, `(?!…)`, `(?<=…)` or `(?<!…)`.
    case look(PatternTree, isAhead: Bool, isNegated: Bool)
}

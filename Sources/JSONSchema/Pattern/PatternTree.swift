/// A parsed regular expression.
indirect enum PatternTree: Sendable {
    case scalar(Unicode.Scalar)
    case set(ScalarSet)
    case sequence([PatternTree])
    case alternatives([PatternTree])
    /// At least `min` and at most `max` times; nil is without bound.
    case repetition(PatternTree, min: Int, max: Int?)
    case start
    case end
    case wordBoundary(isNegated: Bool)
    case look(PatternTree, isAhead: Bool, isNegated: Bool)
}

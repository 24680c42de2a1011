/// A regular expression of ECMA-262 (unicode mode) that says whether a text matches somewhere.
///
/// The pattern runs as a nondeterministic automaton, so the time is bounded by the text's length times the
/// pattern's size whatever both are, and a budget of steps bounds even that. Only one with back references is
/// searched path by path, within the same budget.
public struct Pattern: Sendable {
    /// The expression as it was written.
    public let source: String
    private let matcher: Matcher

    private enum Matcher {
        case literal(Literal)
        case program(PatternProgram)
    }

    /// A pattern that only compares text: by far the most frequent kind (`^x-`).
    private struct Literal {
        let bytes: [UInt8]
        let atStart: Bool
        let atEnd: Bool
    }

    /// Compiles an expression.
    public init(_ source: String) throws(PatternError) {
        self.source = source
        var parser = PatternParser(source)
        let tree = try parser.parse()
        if let literal = Self.literal(tree) {
            matcher = .literal(literal)
        } else {
            matcher = .program(try PatternProgram(tree))
        }
    }

    /// Whether the pattern matches somewhere in the text; false where the budget of steps ran out.
    public func matches(_ text: String) -> Bool { search(text) == .match }

    /// What a search came to.
    public enum Outcome: Sendable, Hashable {
        /// The pattern matches somewhere.
        case match
        /// It matches nowhere.
        case noMatch
        /// The text is too long for this pattern to tell within the budget.
        case tooCostly
    }

    /// The steps of a search that is given no budget: well below a second.
    static let budget = 5_000_000

    /// Searches the text.
    public func search(_ text: String) -> Outcome {
        var budget = Self.budget
        return search(text, budget: &budget)
    }

    /// Searches the text for as many steps as are left, and takes the used ones off.
    func search(_ text: String, budget: inout Int) -> Outcome {
        switch matcher {
        case .literal(let literal): return Self.find(literal, in: text) ? .match : .noMatch
        case .program(let program) where program.hasBackReferences:
            var walk = PatternWalk(program, text, budget: budget)
            let found = walk.search()
            budget = walk.budget
            return budget < 0 ? .tooCostly : found ? .match : .noMatch
        case .program(let program):
            var run = PatternRun(program, text, budget: budget)
            let found = run.search()
            budget = run.budget
            return budget < 0 ? .tooCostly : found ? .match : .noMatch
        }
    }

    private static func find(_ literal: Literal, in text: String) -> Bool {
        var text = text
        return text.withUTF8 { buffer in
            let count = literal.bytes.count
            guard buffer.count >= count else { return false }
            func matches(at start: Int) -> Bool {
                for index in 0..<count where buffer[start + index] != literal.bytes[index] { return false }
                return true
            }
            switch (literal.atStart, literal.atEnd) {
            case (true, true): return buffer.count == count && matches(at: 0)
            case (true, false): return matches(at: 0)
            case (false, true): return matches(at: buffer.count - count)
            case (false, false):
                guard let first = literal.bytes.first else { return true }
                for start in 0...(buffer.count - count) where buffer[start] == first && matches(at: start) {
                    return true
                }
                return false
            }
        }
    }

    private static func literal(_ tree: PatternTree) -> Literal? {
        let parts = if case .sequence(let parts) = tree { parts } else { [tree] }
        var bytes: [UInt8] = []
        var atEnd = false
        var atStart = false
        for (index, part) in parts.enumerated() {
            switch part {
            case .start where index == 0: atStart = true
            case .end where index == parts.count - 1: atEnd = true
            case .scalar(let scalar): bytes.append(contentsOf: String(scalar).utf8)
            default: return nil
            }
        }
        return Literal(bytes: bytes, atStart: atStart, atEnd: atEnd)
    }
}

extension Pattern: Hashable {
    /// The same expression.
    public static func == (left: Pattern, right: Pattern) -> Bool { left.source == right.source }

    /// Hashes the expression.
    public func hash(into hasher: inout Hasher) { hasher.combine(source) }
}

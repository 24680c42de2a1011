/// Guesses which known name was meant by an unknown one.
public enum Suggestion {
    /// Names longer than this many characters are not compared.
    private static let lengthLimit = 128

    /// The nearest candidate, or nil where none is near: at most a third of the characters may differ, one at least.
    /// Of equally near ones the first is taken. Letter case alone counts less than any other difference.
    public static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.unicodeScalars)
        guard !wanted.isEmpty, wanted.count <= lengthLimit else { return nil }
        let lowered = Array(name.lowercased().unicodeScalars)
        var best: (name: String, distance: Int)?
        for candidate in candidates where candidate != name {
            let scalars = Array(candidate.lowercased().unicodeScalars)
            let allowed = max(1, max(lowered.count, scalars.count) / 3)
            let bound = min(allowed, (best?.distance ?? Int.max) - 1)
            guard scalars.count <= lengthLimit, bound >= 0, abs(scalars.count - lowered.count) <= bound else {
                continue
            }
            let distance = Self.distance(lowered, scalars)
            if distance <= bound { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Guesses for many unknown names among many known ones: as long as that takes no noticeable time, none after.
    public struct Guesses {
        private let candidates: [String]
        /// Comparisons that are left.
        private var left = 200_000

        /// Among these names.
        public init(_ candidates: [String]) { self.candidates = candidates }

        /// As `Suggestion.nearest`.
        public mutating func nearest(to name: String) -> String? {
            guard left > 0 else { return nil }
            left -= candidates.count + 1
            return Suggestion.nearest(to: name, among: candidates)
        }

        /// As `Suggestion.hint`.
        public mutating func hint(for name: String) -> String? {
            nearest(to: name).map { "did you mean '\($0)'?" }
        }
    }

    /// The hint for an unknown name, or nil where no candidate is near.
    public static func hint(for name: String, among candidates: some Sequence<String>) -> String? {
        nearest(to: name, among: candidates).map { "did you mean '\($0)'?" }
    }

    /// The edit distance in which a swap of two neighbours counts one (optimal string alignment).
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var before: [Int] = []
        var previous = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            current.reserveCapacity(right.count + 1)
            for column in 1...right.count {
                let same = left[row - 1] == right[column - 1]
                var value = min(
                    previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (same ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    value = min(value, before[column - 2] + 1)
                }
                current.append(value)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}

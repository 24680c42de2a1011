/// One search of a program with back references through a text: path after path, in the order that ECMA-262 gives them
/// (22.2.2, Pattern Semantics), since what a group took decides how the text goes on.
///
/// Such a search can't be bounded by the sizes of text and pattern; the budget of steps bounds it, and the paths
/// that are kept to come back to are counted too.
struct PatternWalk {
    private let program: PatternProgram
    private let text: [Unicode.Scalar]

    /// The steps that are left; below zero the search was given up and its answer is worth nothing.
    private(set) var budget: Int

    /// A step of a path costs so many of the steps of `PatternRun`, which has nothing to note.
    private static let cost = 4
    /// The most paths that are kept.
    private static let pathLimit = 500_000

    /// A search that may take so many steps.
    init(_ program: PatternProgram, _ text: String, budget: Int) {
        self.program = program
        self.text = Array(text.unicodeScalars)
        self.budget = budget
    }

    /// Where a path has come to, and what its groups and repetitions noted: places in the text, -1 for none.
    private struct Path {
        var state: Int
        var place: Int
        var notes: [Int]
    }

    /// Whether the program matches somewhere.
    mutating func search() -> Bool {
        let notes = Array(repeating: -1, count: program.noteCount)
        for start in 0...(program.isAnchored ? 0 : text.count) {
            if walk(Path(state: 0, place: start, notes: notes), isForward: true) != nil { return true }
            if budget < 0 { return false }
        }
        return false
    }

    /// The notes of the first path that leads to a match.
    private mutating func walk(_ first: Path, isForward: Bool) -> [Int]? {
        var kept = [first]
        while var path = kept.popLast() {
            while true {
                budget -= Self.cost
                if budget < 0 || kept.count > Self.pathLimit {
                    budget = -1
                    return nil
                }
                if case .match = program.instructions[path.state] { return path.notes }
                guard step(&path, &kept, isForward) else { break }
            }
        }
        return nil
    }

    /// Takes a path one instruction on; false where it ends.
    private mutating func step(_ path: inout Path, _ kept: inout [Path], _ isForward: Bool) -> Bool {
        var next = path.state + 1
        switch program.instructions[path.state] {
        case .scalar(let wanted):
            guard scalar(beside: path.place, isForward) == wanted else { return false }
            path.place += isForward ? 1 : -1
        case .set(let set):
            guard let scalar = scalar(beside: path.place, isForward), program.sets[set].contains(scalar) else {
                return false
            }
            path.place += isForward ? 1 : -1
        case .split(let preferred, let other):
            budget -= Self.cost + path.notes.count / 2
            kept.append(Path(state: other, place: path.place, notes: path.notes))
            next = preferred
        case .jump(let target): next = target
        case .start: guard path.place == 0 else { return false }
        case .end: guard path.place == text.count else { return false }
        case .wordBoundary(let isNegated):
            guard text.isWordBoundary(path.place) != isNegated else { return false }
        case .look(let look):
            let part = program.looks[look]
            let inner = Path(state: part.entry, place: path.place, notes: path.notes)
            let found = walk(inner, isForward: part.isAhead)
            guard (found != nil) != part.isNegated else { return false }
            if let found { path.notes = found }
        case .note(let note): path.notes[note] = path.place
        case .moved(let note): guard path.notes[note] != path.place else { return false }
        case .take(let group):
            let (one, other) = (path.notes[group.opening], path.place)
            path.notes[group.first] = min(one, other)
            path.notes[group.last] = max(one, other)
        case .forget(let place):
            for group in program.repeated[place] { path.notes[group.last] = -1 }
        case .backReference(let group):
            guard repeats(group, &path.place, path.notes, isForward) else { return false }
        case .match: break
        }
        path.state = next
        return true
    }

    private func scalar(beside place: Int, _ isForward: Bool) -> Unicode.Scalar? {
        let index = isForward ? place : place - 1
        return text.indices.contains(index) ? text[index] : nil
    }

    /// Whether the text goes on with what the group took, and moves over that.
    private mutating func repeats(
        _ group: PatternProgram.Group, _ place: inout Int, _ notes: [Int], _ isForward: Bool
    ) -> Bool {
        guard notes[group.last] >= 0 else { return true }
        let taken = text[notes[group.first]..<notes[group.last]]
        let start = isForward ? place : place - taken.count
        budget -= taken.count / 8
        guard start >= 0, start + taken.count <= text.count,
            taken.elementsEqual(text[start..<start + taken.count])
        else { return false }
        place = isForward ? start + taken.count : start
        return true
    }
}

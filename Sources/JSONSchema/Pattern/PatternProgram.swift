/// An expression compiled to the instructions of an automaton (Thompson's construction).
struct PatternProgram: Sendable {
    /// One step of the automaton; those that take a character go on at the next place.
    enum Instruction: Sendable {
        /// Takes this character.
        case scalar(Unicode.Scalar)
        /// Takes a character of the set at this place in `sets`.
        case set(Int)
        /// Goes on at both places.
        case split(Int, Int)
        /// Goes on elsewhere.
        case jump(Int)
        /// Goes on at the text's start only.
        case start
        /// Goes on at the text's end only.
        case end
        /// Goes on at a word boundary only, or where none is.
        case wordBoundary(isNegated: Bool)
        /// Goes on where the part at this place in `looks` says so.
        case look(Int)
        /// Notes the place. This and what follows is there only where the expression has back references.
        case note(Int)
        /// Goes on only where the place is another than the noted one.
        case moved(Int)
        /// The group's end: what it took lies between here and its opening.
        case take(Group)
        /// Has taken nothing any more in the groups at this place in `repeated`: a repetition begins anew.
        case forget(Int)
        /// Takes once more what the group took.
        case backReference(Group)
        /// The whole expression, or a part that is looked at, matches.
        case match
    }

    /// A part that is tried at a place without moving on.
    struct Look: Sendable {
        /// Where the part begins.
        var entry: Int
        /// It is read forward from the place, else backward.
        let isAhead: Bool
        /// It must not match.
        let isNegated: Bool
    }

    /// Where a group keeps what it took, in the notes of a path.
    struct Group: Sendable {
        /// The place at which it was entered.
        let opening: Int
        /// Where the taken text begins.
        let first: Int
        /// Where it ends; -1 where the group took nothing.
        let last: Int

        /// A group by its number, from 1.
        init(_ number: Int) {
            opening = number * 3 - 3
            first = opening + 1
            last = opening + 2
        }
    }

    private(set) var instructions: [Instruction] = []
    private(set) var sets: [ScalarSet] = []
    private(set) var looks: [Look] = []
    /// The groups within repetitions. (Instructions hold numbers only: nothing is counted when one is taken out.)
    private(set) var repeated: [[Group]] = []
    /// Whether a match can only begin at the text's start.
    private(set) var isAnchored = false
    /// Whether what groups took matters.
    let hasBackReferences: Bool
    /// How many places a path notes: three a group, one a repetition.
    private(set) var noteCount: Int

    /// The most instructions; repetitions with counts are written out.
    private static let sizeLimit = 30_000

    /// Writes a tree out as instructions.
    init(_ tree: PatternTree) throws(PatternError) {
        hasBackReferences = tree.hasBackReferences
        noteCount = hasBackReferences ? 3 * (tree.groups.max() ?? 0) : 0
        try add(tree, isForward: true)
        try emit(.match)
        isAnchored = Self.startsAnchored(tree)
    }

    private static func startsAnchored(_ tree: PatternTree) -> Bool {
        switch tree {
        case .start: true
        case .sequence(let parts): parts.first.map(startsAnchored) ?? false
        case .alternatives(let branches): branches.allSatisfy(startsAnchored)
        default: false
        }
    }

    @discardableResult
    private mutating func emit(_ instruction: Instruction) throws(PatternError) -> Int {
        if instructions.count >= Self.sizeLimit {
            throw PatternError(message: "the pattern is too large once its counts are written out", position: 0)
        }
        instructions.append(instruction)
        return instructions.count - 1
    }

    private mutating func add(_ tree: PatternTree, isForward: Bool) throws(PatternError) {
        switch tree {
        case .scalar(let scalar): try emit(.scalar(scalar))
        case .set(let set):
            sets.append(set)
            try emit(.set(sets.count - 1))
        case .sequence(let parts):
            for part in isForward ? parts : parts.reversed() { try add(part, isForward: isForward) }
        case .alternatives(let branches): try addAlternatives(branches, isForward: isForward)
        case .repetition(let tree, let min, let max, let isLazy):
            try addRepetition(tree, min: min, max: max, isLazy: isLazy, isForward: isForward)
        case .group(let tree, let number):
            let group = Group(number)
            if hasBackReferences { try emit(.note(group.opening)) }
            try add(tree, isForward: isForward)
            if hasBackReferences { try emit(.take(group)) }
        case .backReference(let number): try emit(.backReference(Group(number)))
        case .start: try emit(.start)
        case .end: try emit(.end)
        case .wordBoundary(let isNegated): try emit(.wordBoundary(isNegated: isNegated))
        case .look(let tree, let isAhead, let isNegated):
            try emit(.look(looks.count))
            let place = looks.count
            looks.append(Look(entry: 0, isAhead: isAhead, isNegated: isNegated))
            let over = try emit(.jump(0))
            looks[place].entry = instructions.count
            try add(tree, isForward: isAhead)
            try emit(.match)
            instructions[over] = .jump(instructions.count)
        }
    }

    private mutating func addAlternatives(_ branches: [PatternTree], isForward: Bool) throws(PatternError) {
        var exits: [Int] = []
        for (index, branch) in branches.enumerated() {
            guard index < branches.count - 1 else {
                try add(branch, isForward: isForward)
                break
            }
            let split = try emit(.split(0, 0))
            try add(branch, isForward: isForward)
            exits.append(try emit(.jump(0)))
            instructions[split] = .split(split + 1, instructions.count)
        }
        for exit in exits { instructions[exit] = .jump(instructions.count) }
    }

    private mutating func addRepetition(
        _ tree: PatternTree, min: Int, max: Int?, isLazy: Bool, isForward: Bool
    ) throws(PatternError) {
        let groups = hasBackReferences ? tree.groups.map(Group.init) : []
        func again() throws(PatternError) {
            if !groups.isEmpty {
                repeated.append(groups)
                try emit(.forget(repeated.count - 1))
            }
            try add(tree, isForward: isForward)
        }
        for _ in 0..<min { try again() }
        let note = noteCount
        if hasBackReferences { noteCount += 1 }
        // A time that takes no text counts as none where it need not be.
        func maybeAgain() throws(PatternError) {
            if hasBackReferences { try emit(.note(note)) }
            try again()
            if hasBackReferences { try emit(.moved(note)) }
        }
        func branch(_ split: Int) {
            let (inside, after) = (split + 1, instructions.count)
            instructions[split] = isLazy ? .split(after, inside) : .split(inside, after)
        }
        guard let max else {
            let split = try emit(.split(0, 0))
            try maybeAgain()
            try emit(.jump(split))
            branch(split)
            return
        }
        var splits: [Int] = []
        for _ in min..<max {
            let before = instructions.count
            splits.append(try emit(.split(0, 0)))
            try maybeAgain()
            // A part without instructions can't be repeated to any effect.
            if instructions.count == before + 1 { break }
        }
        for split in splits { branch(split) }
    }
}

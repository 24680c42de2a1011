/// One search of a program without back references through a text: all states of the automaton step along together.
struct PatternRun {
    private let program: PatternProgram
    private let text: [Unicode.Scalar]
    private var answers: [Int: Bool] = [:]
    /// States that `add` has yet to look at: empty between its calls.
    private var pending: [Int] = []

    /// The steps that are left; below zero the search was given up and its answer is worth nothing.
    private(set) var budget: Int

    /// A search that may take so many steps.
    init(_ program: PatternProgram, _ text: String, budget: Int) {
        self.program = program
        self.text = Array(text.unicodeScalars)
        self.budget = budget
    }

    /// The automaton's states at one place, each once, in no particular order.
    private struct States {
        private(set) var list: [Int] = []
        private var marks: [UInt32]
        private var mark: UInt32 = 1

        init(_ count: Int) {
            marks = Array(repeating: 0, count: count)
        }

        mutating func insert(_ state: Int) -> Bool {
            if marks[state] == mark { return false }
            marks[state] = mark
            return true
        }

        mutating func keep(_ state: Int) { list.append(state) }

        mutating func clear() {
            list.removeAll(keepingCapacity: true)
            mark += 1
        }
    }

    /// Whether the program matches somewhere.
    mutating func search() -> Bool {
        run(entry: 0, from: 0, isForward: true, isAnchored: program.isAnchored)
    }

    /// Whether a match of the part at `entry` begins at `start`, or later where it is not anchored.
    private mutating func run(entry: Int, from start: Int, isForward: Bool, isAnchored: Bool) -> Bool {
        var current = States(program.instructions.count)
        var next = States(program.instructions.count)
        var place = start
        if add(entry, to: &current, at: place) { return true }
        while !current.list.isEmpty || !isAnchored {
            guard isForward ? place < text.count : place > 0 else { return false }
            let scalar = text[isForward ? place : place - 1]
            place += isForward ? 1 : -1
            next.clear()
            for state in current.list {
                let takes =
                    switch program.instructions[state] {
                    case .scalar(let wanted): wanted == scalar
                    case .set(let set): program.sets[set].contains(scalar)
                    default: false
                    }
                if takes, add(state + 1, to: &next, at: place) { return true }
            }
            if !isAnchored, add(entry, to: &next, at: place) { return true }
            budget -= current.list.count + 1
            if budget < 0 { return false }
            swap(&current, &next)
        }
        return false
    }

    /// Adds a state and all that it leads to without a character; true where that is a match.
    private mutating func add(_ first: Int, to states: inout States, at place: Int) -> Bool {
        // What a part that is looked at leaves pending is its own.
        let floor = pending.count
        pending.append(first)
        while pending.count > floor {
            let state = pending.removeLast()
            guard states.insert(state) else { continue }
            budget -= 1
            switch program.instructions[state] {
            case .scalar, .set: states.keep(state)
            case .match:
                pending.removeSubrange(floor...)
                return true
            case .jump(let target): pending.append(target)
            case .split(let one, let other):
                pending.append(other)
                pending.append(one)
            case .start: if place == 0 { pending.append(state + 1) }
            case .end: if place == text.count { pending.append(state + 1) }
            case .wordBoundary(let isNegated):
                if text.isWordBoundary(place) != isNegated { pending.append(state + 1) }
            case .look(let look): if answer(look, at: place) { pending.append(state + 1) }
            case .note, .moved, .take, .forget, .backReference: break
            }
        }
        return false
    }

    private mutating func answer(_ look: Int, at place: Int) -> Bool {
        let key = place * program.looks.count + look
        if let known = answers[key] { return known }
        let part = program.looks[look]
        let found = run(entry: part.entry, from: place, isForward: part.isAhead, isAnchored: true)
        let answer = found != part.isNegated
        answers[key] = answer
        return answer
    }
}

extension [Unicode.Scalar] {
    /// Whether a word begins or ends before the character at a place (ECMA-262, IsWordChar: ASCII only).
    func isWordBoundary(_ place: Int) -> Bool { isWord(place - 1) != isWord(place) }

    private func isWord(_ place: Int) -> Bool {
        guard indices.contains(place), self[place].isASCII else { return false }
        return self[place] == "_" || self[place].properties.isAlphabetic || self[place].properties.numericType != nil
    }
}

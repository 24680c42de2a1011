import Postgres

/// Which of a table's columns are those that a relation message of the log names.
///
/// A message has names and types and no numbers; the catalog, which may be ahead of the log, has the numbers that stay with
/// columns when they are renamed. What a message lists is in the order of the numbers, holds every column that is there today
/// up to the last that there was then, and may hold columns that were dropped since. Among the ways to lay it over the
/// catalog's numbers those count that let the most names be what they are today, then the most what they were in the message
/// before.
///
/// Invariant: a number is given only if every best way gives it, so that two columns never exchange their values in silence.
struct ColumnAlignment {
    /// A number that the table has or had: nil for the name of one that was dropped.
    struct Attribute {
        var number: Int
        var name: String?
    }

    /// In the message's order; nil where it can't be known.
    let numbers: [Int?]

    /// `attributes` in the order of their numbers, `known` by the names in the message before.
    init(_ columns: [String], attributes: [Attribute], known: [Identifier: Int]) {
        guard attributes.contains(where: { $0.name == nil }) || columns.count > attributes.count else {
            numbers = attributes.prefix(columns.count).map(\.number)
            return
        }
        numbers = ColumnAlignment.search(columns.map(Identifier.init), attributes, known)
    }

    /// Time and memory: the columns times the numbers.
    private static func search(
        _ columns: [Identifier], _ attributes: [Attribute], _ known: [Identifier: Int]
    ) -> [Int?] {
        let impossible = Int.min / 4
        let width = columns.count + 1
        func value(_ attribute: Attribute, _ column: Identifier) -> Int {
            (attribute.name.map { Identifier($0) == column } == true ? width : 0)
                + (known[column] == attribute.number ? 1 : 0)
        }
        /// The best of what follows, by how many numbers and columns are behind.
        var rest = [Int](repeating: impossible, count: (attributes.count + 1) * width)
        for behind in stride(from: attributes.count, through: 0, by: -1) {
            rest[behind * width + columns.count] = 0
            guard behind < attributes.count else { continue }
            let attribute = attributes[behind]
            for column in columns.indices {
                let taken = value(attribute, columns[column]) + rest[(behind + 1) * width + column + 1]
                let passed = attribute.name == nil ? rest[(behind + 1) * width + column] : impossible
                rest[behind * width + column] = max(taken, passed)
            }
        }
        guard rest[0] >= 0 else { return columns.map { _ in nil } }
        /// What the best ways reach, from the start.
        var found = [Set<Int>](repeating: [], count: columns.count)
        var reached: Set<Int> = [0]
        for (behind, attribute) in attributes.enumerated() {
            var next: Set<Int> = []
            for column in reached where column < columns.count {
                let best = rest[behind * width + column]
                if value(attribute, columns[column]) + rest[(behind + 1) * width + column + 1] == best {
                    found[column].insert(attribute.number)
                    next.insert(column + 1)
                }
                if attribute.name == nil, rest[(behind + 1) * width + column] == best { next.insert(column) }
            }
            reached = next
        }
        return found.map { $0.count == 1 ? $0.first : nil }
    }
}

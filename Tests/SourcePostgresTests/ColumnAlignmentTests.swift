import Postgres
import TestSupport
import Testing

@testable import SourcePostgres

/// Messages of the log have names only; a catalog that is ahead of them has the numbers.
@Suite("columns of a message and their numbers")
struct ColumnAlignmentTests {
    private func numbers(_ columns: [String], _ catalog: [(Int, String?)], known: [String: Int] = [:]) -> [Int?] {
        ColumnAlignment(
            columns, attributes: catalog.map { .init(number: $0.0, name: $0.1) },
            known: Dictionary(uniqueKeysWithValues: known.map { (Identifier($0), $1) })
        ).numbers
    }

    @Test("names that differ only in how an accent is written are two")
    func accents() {
        let catalog: [(Int, String?)] = [(1, "id"), (2, nil), (3, "\u{e9}"), (4, "e\u{301}")]
        #expect(numbers(["id", "e\u{301}", "\u{e9}", "e\u{301}"], catalog) == [1, 2, 3, 4])
        #expect(numbers(["id", "\u{e9}", "e\u{301}"], catalog) == [1, 3, 4])
    }

    @Test("without dropped columns the order tells them, whatever they are called by now")
    func renamed() {
        #expect(numbers(["id", "a"], [(1, "id"), (2, "x"), (3, "a")]) == [1, 2])
        #expect(numbers(["id", "a", "b"], [(1, "id"), (2, "b"), (3, "a")]) == [1, 2, 3])
    }

    @Test("dropped columns are found where they were")
    func dropped() {
        #expect(numbers(["id", "gone", "b"], [(1, "id"), (2, nil), (3, "b")]) == [1, 2, 3])
        #expect(numbers(["id", "b"], [(1, "id"), (2, nil), (3, "b")]) == [1, 3])
        #expect(numbers(["id", "a", "b"], [(1, "id"), (2, nil), (3, "a"), (4, "b"), (5, nil)]) == [1, 3, 4])
        #expect(numbers(["id", "a"], [(1, "id"), (2, nil), (3, "b")], known: ["a": 2]) == [1, 2])
    }

    @Test("a name that came again is the new column's; what can't be known is not guessed")
    func again() {
        #expect(numbers(["id", "a"], [(1, "id"), (2, nil), (3, "a")], known: ["a": 2]) == [1, 3])
        #expect(numbers(["id", "x"], [(1, "id"), (2, nil), (3, nil), (4, "b")]) == [1, nil])
        #expect(numbers(["id", "x", "y", "z"], [(1, "id"), (2, nil)]) == [nil, nil, nil, nil])
    }

    @Test("whatever a table went through, no column is taken for another one", arguments: 0..<40)
    func history(seed: Int) {
        var random = SplitMix(state: UInt64(seed))
        for _ in 0..<100 {
            /// By number: the name, nil where it was dropped.
            var table: [(Int, String?)] = (1...3).map { ($0, "c\($0)") }
            var names = 3
            var message: (columns: [(Int, String)], known: [String: Int])?
            var known: [String: Int] = [:]
            var drops = 0
            for _ in 0..<(2 + random.below(8)) {
                let live = table.indices.filter { table[$0].1 != nil }
                if message == nil {
                    known = Dictionary(uniqueKeysWithValues: live.map { (table[$0].1 ?? "", table[$0].0) })
                }
                names += 1
                switch random.below(4) {
                case 0: table.append((table.count + 1, "c\(names)"))
                case 1: table[live[random.below(live.count)]].1 = "c\(names)"
                case 2 where live.count > 1:
                    table[live[random.below(live.count)]].1 = nil
                    drops += 1
                default:
                    if message == nil, random.below(2) == 0 {
                        message = (table.compactMap { column in column.1.map { (column.0, $0) } }, known)
                    }
                }
            }
            guard let message else { continue }
            let found = numbers(message.columns.map(\.1), table, known: message.known)
            for (number, column) in zip(found, message.columns) {
                #expect(number == nil || number == column.0, "\(message) in \(table): \(found)")
            }
            if drops == 0 { #expect(!found.contains(nil)) }
        }
    }
}

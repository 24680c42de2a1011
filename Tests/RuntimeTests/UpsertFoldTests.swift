import Connectors
import TestSupport
import Testing

@testable import Runtime

/// The fold against a model: a table that takes every change in order.
@Suite("folding changes by key")
struct UpsertFoldTests {
    /// A row of the model: key, a small column, a large one that updates may leave out.
    private struct Row: Equatable {
        var key: String
        var small: String?
        var large: String?
        /// Which row it is, whatever its key: columns that only the destination has go with it.
        var identity = 0
    }

    /// Rows as the log has them, in one batch.
    private struct Log {
        let batch = ChangeBatch()
        let pool = RowPool()
        let number: Int32

        init() { number = pool.add(batch) }

        private func append(_ text: String?) {
            guard var text else { return batch.appendNull() }
            text.withUTF8 { bytes in
                if let start = bytes.baseAddress, !bytes.isEmpty {
                    batch.appendValue(start, count: bytes.count)
                } else {
                    batch.appendEmpty()
                }
            }
        }

        func row(_ row: Row, leavesLargeOut: Bool = false) -> RowReference {
            let first = batch.nextField
            append(row.key)
            append(row.small)
            if leavesLargeOut { batch.appendUnchanged() } else { append(row.large) }
            pool.refresh(number)
            return RowReference(batch: number, firstField: first)
        }

        /// A row of which only the key is known.
        func key(_ key: String) -> RowReference { row(Row(key: key)) }

        func text(_ row: RowReference, _ column: Int) -> String? {
            pool.value(row, column).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Stores net changes as a destination does: origins are read, then deletes are made, then upserts.
    private func store(_ changes: ContiguousArray<NetChange>, _ log: Log, into table: inout [String: Row]) {
        #expect(Set(changes.map { log.text($0.row, 0) }).count == changes.count, "two changes of one key")
        var upserts: [Row] = []
        for change in changes where change.operation != .delete {
            var row = Row(key: log.text(change.row, 0) ?? "", small: log.text(change.row, 1))
            if log.pool.field(change.row, 2).isUnchanged {
                #expect(change.hasUnchanged)
                let origin = change.origin.isNone ? row.key : log.text(change.origin, 0) ?? ""
                #expect(table[origin] != nil, "the destination has no row to keep a value of")
                row.large = table[origin]?.large
            } else {
                #expect(!change.hasUnchanged)
                row.large = log.text(change.row, 2)
            }
            if change.isNew { #expect(table[row.key] == nil, "a new row is there already") }
            let last = change.origin.isNone ? row.key : log.text(change.origin, 0) ?? ""
            row.identity = table[last]?.identity ?? 0
            upserts.append(row)
        }
        let kept = Set(upserts.map(\.identity)).subtracting([0])
        for change in changes where change.operation == .delete {
            let gone = table.removeValue(forKey: log.text(change.row, 0) ?? "")
            #expect(change.isMovedAway == gone.map { kept.contains($0.identity) } ?? false)
        }
        for row in upserts { table[row.key] = row }
    }

    @Test("a random history comes to the same table, however it is cut", arguments: 1...200)
    func histories(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let keys = (0..<Int.random(in: 3...12, using: &random)).map { "key\($0)" + String(repeating: "x", count: $0) }
        var source: [String: Row] = [:]
        for key in keys where Bool.random(using: &random) { source[key] = Row(key: key, small: "s", large: "first") }
        var destination: [String: Row] = [:]
        var count = 0
        for _ in 0..<40 {
            for key in source.keys.sorted() {
                count += 1
                source[key]?.identity = count
            }
            destination = source
            let log = Log()
            var fold = UpsertFold(keyColumns: [0], columnCount: 3, pool: log.pool)
            for step in 0..<Int.random(in: 1...30, using: &random) {
                change(&source, keys, log, &fold, step, &random)
            }
            store(fold.changes, log, into: &destination)
            for (key, row) in source where row.identity == 0 { destination[key]?.identity = row.identity }
            #expect(destination == source)
        }
    }

    private func change(
        _ source: inout [String: Row], _ keys: [String], _ log: Log, _ fold: inout UpsertFold, _ step: Int,
        _ random: inout SeededRandom
    ) {
        let key = keys.randomElement(using: &random) ?? ""
        let values: [String?] = [nil, "", "value \(step)"]
        guard let old = source[key] else {
            let row = Row(
                key: key, small: values.randomElement(using: &random) ?? nil,
                large: values.randomElement(using: &random) ?? nil)
            fold.insert(log.row(row))
            source[key] = row
            return
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            fold.delete(Bool.random(using: &random) ? log.key(key) : log.row(old))
            source[key] = nil
            return
        }
        var row = old
        row.small = values.randomElement(using: &random) ?? nil
        let leavesOut = old.large != nil && Bool.random(using: &random)
        if !leavesOut { row.large = values.randomElement(using: &random) ?? nil }
        let target = keys.randomElement(using: &random) ?? ""
        if source[target] == nil, Bool.random(using: &random) { row.key = target }
        let hasOld = row.key != old.key || Bool.random(using: &random)
        let oldRow = hasOld ? (Bool.random(using: &random) ? log.key(key) : log.row(old)) : RowReference.none
        fold.update(log.row(row, leavesLargeOut: leavesOut), old: oldRow, hasUnchanged: leavesOut)
        source[old.key] = nil
        source[row.key] = row
    }

    @Test("a value that a thousand updates leave out is kept once")
    func sharedValues() {
        let log = Log()
        var fold = UpsertFold(keyColumns: [0], columnCount: 3, pool: log.pool)
        let large = String(repeating: "large", count: 200_000)
        fold.insert(log.row(Row(key: "a", small: "0", large: large)))
        for step in 1...1000 {
            fold.update(
                log.row(Row(key: "a", small: String(step)), leavesLargeOut: true), old: .none, hasUnchanged: true)
        }
        #expect(fold.changes.count == 1)
        #expect(log.text(fold.changes[0].row, 1) == "1000")
        #expect(log.text(fold.changes[0].row, 2) == large)
        #expect(fold.mergedBytes < 4 * large.utf8.count)
    }

    @Test("a hundred thousand keys are found again, and forgotten")
    func manyKeys() {
        let log = Log()
        var fold = UpsertFold(keyColumns: [0], columnCount: 3, pool: log.pool)
        for _ in 0..<2 {
            for key in 0..<100_000 { fold.insert(log.row(Row(key: String(key), small: "a"))) }
            for key in 0..<100_000 where key % 2 == 0 { fold.delete(log.key(String(key))) }
            #expect(fold.changes.count == 100_000)
            #expect(fold.changes.filter { $0.operation == .delete }.count == 50_000)
            fold.removeAll()
            #expect(fold.isEmpty)
        }
    }
}
